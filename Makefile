# `setup` installs what a fresh Debian machine with the Swift toolchain lacks. All targets that build depend on it.

SWIFT ?= swift
PREFIX ?= /usr/local
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES = jq libfaketime libuv1-dev python3 strace tzdata
# The programs must run without the toolchain's libraries. The service cannot see a toolchain in a home directory
# (ProtectHome=).
RELEASE = -c release --static-swift-stdlib
SOURCES = Package.swift Sources Tests Benchmarks

.PHONY: help setup build demo test soak lint format sanitize fuzz simulate walk limits bench crash-test admission-test install \
        install-files systemd-test proto-docs

help:
	@echo "make demo      run a demonstration: four workers, an outage, a quota error, a restart"
	@echo "make test      check the format and run every test"
	@echo "make soak      run the long tests: crash-test, simulate, limits, admission-test, fuzz, walk"
	@echo "make build     build fuseboxd and fusebox into .build/release"
	@echo "make install   install them and the systemd units below PREFIX ($(PREFIX)), and create the user fusebox"
	@echo "make sanitize  run the tests under AddressSanitizer and ThreadSanitizer"
	@echo "make fuzz      feed the decoder 100,000 mutations of every vector"
	@echo "make simulate  flip every bit of a 64 KiB journal, crash a simulated daemon 100,000 times; SEED=… SEEDS=… HOURS=…"
	@echo "make walk      apply random commands with boundary values, write and load each state; SEED=… WALKS=… STEPS=… HOURS=…"
	@echo "make limits    make 1,000,000 random calls and changes of limits (OPERATIONS) against a plain model; SEED=…"
	@echo "make bench     measure round trips, throughput and the longest turn of the loop"
	@echo "make crash-test  kill a busy daemon 1,000 times (CYCLES=n) and compare its totals with the workers' records"
	@echo "make admission-test  run 16 processes against limits on five scopes and one probe slot, and kill them"
	@echo "make systemd-test  test the systemd units in a container; needs root, not part of make test"
	@echo "make format    format the sources; make lint only checks the format"

setup:
	@missing=; \
	for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  $(SUDO) apt-get update -qq && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	fi

build: setup
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build $(RELEASE) --product fusebox

demo: setup
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build $(RELEASE) --product fusebox-demo
	@.build/release/fusebox-demo

CYCLES ?= 1000

crash-test: setup
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build --build-tests
	FUSEBOX_DAEMON=$(CURDIR)/.build/release/fuseboxd FUSEBOX_CRASH_CYCLES=$(CYCLES) $(SWIFT) test --skip-build --filter CrashTests

admission-test: setup
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build --build-tests
	FUSEBOX_DAEMON=$(CURDIR)/.build/release/fuseboxd FUSEBOX_FULL=1 $(SWIFT) test --skip-build --filter AdmissionProofs

# The benchmarks run one after the other.
bench: PACKAGES += redis-server
bench: setup
	Benchmarks/run echo
	Benchmarks/run load
	Benchmarks/run stall
	Benchmarks/run durable
	Benchmarks/run restart

lint:
	$(SWIFT) format lint --strict --recursive --configuration .swift-format $(SOURCES)

format:
	$(SWIFT) format --in-place --recursive --configuration .swift-format $(SOURCES)

test: setup lint
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

sanitize: setup
	$(SWIFT) build --build-tests --sanitize address --scratch-path .build-asan
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --skip-build --sanitize address --scratch-path .build-asan
	$(SWIFT) build --build-tests --sanitize thread --scratch-path .build-tsan
	$(SWIFT) test --skip-build --sanitize thread --scratch-path .build-tsan

fuzz: setup
	FUSEBOX_MUTATIONS=100000 $(SWIFT) test -c release -Xswiftc -enable-testing --filter MutationTests

# SEED is the first seed, SEEDS the number of seeds, CRASHES the number of crashes of each. HOURS=2 runs new seeds for
# that long instead.
SEED ?= 1
SEEDS ?= 1000
CRASHES ?= 101
LIVES ?= 10000

simulate: setup
	$(SWIFT) build $(RELEASE) --product fusebox-simulate
	.build/release/fusebox-simulate --damage 65536
	.build/release/fusebox-simulate --history $(LIVES) --seed $(SEED)
	.build/release/fusebox-simulate --seed $(SEED) --seeds $(SEEDS) --crashes $(CRASHES) $(if $(HOURS),--hours $(HOURS))

# WALKS is the number of seeds, STEPS the number of commands of each. Every seed runs under both profiles and both sets of
# limits.
WALKS ?= 500
STEPS ?= 5000

walk: setup
	$(SWIFT) build $(RELEASE) --product fusebox-simulate
	.build/release/fusebox-simulate --walk $(STEPS) --seed $(SEED) --seeds $(WALKS) $(if $(HOURS),--hours $(HOURS))

# OPERATIONS is the number of steps. A new walk with the next seed begins every 20,000.
OPERATIONS ?= 1000000

limits: setup
	$(SWIFT) build $(RELEASE) --product fusebox-simulate
	.build/release/fusebox-simulate --limits $(OPERATIONS) --seed $(SEED)

# Tests the units in a container. Only this target needs systemd-container.
systemd-test: PACKAGES += systemd-container
systemd-test: build
	$(SUDO) systemd/trial/run .build/release

# One after the other, because each uses the whole machine.
soak:
	$(MAKE) crash-test
	$(MAKE) simulate
	$(MAKE) limits
	$(MAKE) admission-test
	$(MAKE) fuzz
	$(MAKE) walk

proto-docs: setup
	$(SWIFT) build --product fusebox
	.build/debug/fusebox protocol --format markdown > proto-docs/commands.md
	.build/debug/fusebox protocol --format vectors proto-docs/vectors
	sed -n '1,/^<!-- What follows is generated/p' proto-docs/snapshot.md > .build/snapshot.md
	echo >> .build/snapshot.md
	.build/debug/fusebox protocol --format snapshot >> .build/snapshot.md
	mv .build/snapshot.md proto-docs/snapshot.md
	sed -n '1,/^<!-- What follows is generated/p' proto-docs/journal.md > .build/journal.md
	echo >> .build/journal.md
	.build/debug/fusebox protocol --format journal >> .build/journal.md
	mv .build/journal.md proto-docs/journal.md
	sed -n '1,/^<!-- What follows is generated/p' proto-docs/history.md > .build/history.md
	echo >> .build/history.md
	.build/debug/fusebox protocol --format history >> .build/history.md
	mv .build/history.md proto-docs/history.md

# The calling user builds. Root copies the files if the user may not write to PREFIX.
install: build
	$(if $(DESTDIR),,$(shell [ -w "$(PREFIX)" ] || echo $(SUDO))) $(MAKE) --no-print-directory install-files \
	  PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' PROGRAMS='$(PROGRAMS)'

# The folder of the programs that `install-files` installs.
PROGRAMS ?= .build/release

install-files:
	install -D -m 755 $(PROGRAMS)/fuseboxd $(DESTDIR)$(PREFIX)/bin/fuseboxd
	install -D -m 755 $(PROGRAMS)/fusebox $(DESTDIR)$(PREFIX)/bin/fusebox
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	sed 's|@bindir@|$(PREFIX)/bin|' systemd/fuseboxd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/fuseboxd.service
	install -m 644 systemd/fuseboxd.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/fuseboxd.socket
	sed 's|@bindir@|$(PREFIX)/bin|' systemd/fusebox-backup.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/fusebox-backup.service
	install -m 644 systemd/fusebox-backup.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/fusebox-backup.timer
	install -m 644 systemd/fusebox.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/fusebox.conf
	@# The units need the user fusebox. It is created unless the files are staged for another system (DESTDIR).
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && command -v systemd-sysusers >/dev/null; then \
	  systemd-sysusers $(PREFIX)/lib/sysusers.d/fusebox.conf && \
	  { [ ! -d /run/systemd/system ] || systemctl daemon-reload; } && \
	  echo "the user fusebox exists"; \
	else \
	  echo "create the user fusebox before the units are started; as root: systemd-sysusers $(PREFIX)/lib/sysusers.d/fusebox.conf"; \
	fi
	@case "$(PREFIX)" in /usr|/usr/local) ;; *) \
	  echo "systemd does not search $(PREFIX) for units; link them: systemctl link $(PREFIX)/lib/systemd/system/fusebox*";; esac
	@echo "start the daemon: systemctl enable --now fuseboxd.socket fuseboxd.service"
