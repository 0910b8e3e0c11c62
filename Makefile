# `setup` installs what a fresh Debian machine with the Swift toolchain lacks. All targets that build depend on it. A build
# needs little; tests and demonstrations need more.

SWIFT ?= swift
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# The manual pages are made by a script in Python.
PACKAGES = libuv1-dev python3
TEST_PACKAGES = bash-completion curl jq libfaketime man-db python3-venv strace tzdata zsh
# The only place of the version. A test compares the clients with it.
VERSION := $(shell sed -n 's/.*fuseboxVersion = "\(.*\)"/\1/p' Sources/FuseboxWire/Version.swift)
# The programs must run without the toolchain's libraries. The service cannot see a toolchain in a home directory
# (ProtectHome=).
RELEASE = -c release --static-swift-stdlib
SOURCES = Package.swift Sources Tests Benchmarks

# Where `make install` puts the files, by the conventions of GNU. DESTDIR stands before all of them.
PREFIX ?= /usr/local
prefix = $(PREFIX)
exec_prefix = $(prefix)
bindir = $(exec_prefix)/bin
datarootdir = $(prefix)/share
mandir = $(datarootdir)/man
docdir = $(datarootdir)/doc/fusebox
bashcompletiondir = $(datarootdir)/bash-completion/completions
zshcompletiondir = $(datarootdir)/zsh/site-functions
unitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
# /etc for a system's own places; below the prefix elsewhere, so that a user may install without root.
sysconfdir = $(if $(filter /usr /usr/local,$(prefix)),/etc,$(prefix)/etc)
PLACES = PREFIX DESTDIR prefix exec_prefix bindir datarootdir mandir docdir bashcompletiondir zshcompletiondir unitdir \
         sysusersdir tmpfilesdir sysconfdir

INSTALL = install
INSTALL_PROGRAM = $(INSTALL) -m 755
INSTALL_DATA = $(INSTALL) -m 644

# A folder with programs that are built already. Without it, `make install` and `make deb` build them.
PROGRAMS ?=
programs = $(or $(PROGRAMS),.build/release)
# The manual pages and completions, which are made from the programs.
MANUAL = .build/manual

.PHONY: help setup programs build demo test check soak lint format sanitize fuzz price-sums simulate walk limits bench \
        crash-test admission-test manual install install-strip install-files uninstall deb clean distclean systemd-test docs \
        proto-docs python-tools python-lint python-test python-dist python-bench python-soak node-test node-bench \
        swift-suite client-suites python-suite node-suite

help:
	@echo "make demo      run a demonstration: six workers (one in Python, one in Node), an outage, a quota error, a restart"
	@echo "make test      check the format and run every test"
	@echo "make soak      run the long tests: crash-test, simulate, limits, admission-test, fuzz, price-sums, walk, the clients'"
	@echo "make node-test  run the tests of the Node client; KILLS=200 kills the daemon so often"
	@echo "make node-bench  measure the Node client's round trips beside an echo"
	@echo "make build     build fuseboxd and fusebox into .build/release"
	@echo "make install   install programs, manual, completions and units below PREFIX ($(PREFIX)), and create the user fusebox"
	@echo "make install-strip  the same, without the programs' symbols; make uninstall removes the files again"
	@echo "make deb       build the Debian packages into .build/deb; PROGRAMS=DIR takes programs that are built already"
	@echo "make clean     remove what was built; make distclean removes the fetched packages too"
	@echo "make sanitize  run the tests under AddressSanitizer and ThreadSanitizer"
	@echo "make fuzz      feed the decoder 100,000 mutations of every vector"
	@echo "make price-sums  compare the sums of 1,000,000 random calls with those that Python computes with fractions"
	@echo "make simulate  flip every bit of a 64 KiB journal, crash a simulated daemon 100,000 times; SEED=… SEEDS=… HOURS=…"
	@echo "make walk      apply random commands with boundary values, write and load each state; SEED=… WALKS=… STEPS=… HOURS=…"
	@echo "make limits    make 1,000,000 random calls and changes of limits (OPERATIONS) against a plain model; SEED=…"
	@echo "make bench     measure round trips, throughput and the longest turn of the loop"
	@echo "make crash-test  kill a busy daemon 1,000 times (CYCLES=n) and compare its totals with the workers' records"
	@echo "make admission-test  run 16 processes against limits and one probe slot, and 50 that wait for four places; kill them"
	@echo "make python-test  check and test the Python client; python-dist builds its wheel into .build/dist"
	@echo "make python-bench  measure the Python client's round trips beside redis-py's"
	@echo "make systemd-test  test the systemd units in a container; needs root, not part of make test"
	@echo "make docs      build the reference of the Swift client into .build/docs"
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
	$(MAKE) --no-print-directory programs

programs:
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build $(RELEASE) --product fusebox

# What every target that tests, measures or demonstrates needs besides.
demo test crash-test admission-test bench python-tools node-test node-bench sanitize fuzz price-sums simulate walk limits proto-docs: \
  PACKAGES += $(TEST_PACKAGES)

demo: PACKAGES += nodejs
demo: setup
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build $(RELEASE) --product fusebox-demo
	@.build/release/fusebox-demo --worker "PYTHONPATH=$(PYTHON_CLIENT)/src python3 $(PYTHON_CLIENT)/examples/demo_worker.py" \
	  --worker "node Clients/node/examples/demo-worker.mjs"

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

check: test

# The clients are tested beside the daemon, because both test runs wait much of the time.
test: PACKAGES += $(NODE_PACKAGES)
test: setup lint python-lint
	$(SWIFT) build --build-tests
	@$(MAKE) --no-print-directory docs
	@$(MAKE) --no-print-directory -j2 swift-suite client-suites

# Tests that call make are no jobs of this one.
alone = env -u MAKEFLAGS -u MFLAGS

swift-suite:
	$(alone) $(SWIFT) test --skip-build

# What the clients' tests print is shown at their end, so that it does not mix with the other run's.
client-suites:
	@mkdir -p .build; { $(MAKE) --no-print-directory python-suite && $(MAKE) --no-print-directory node-suite; } \
	  > .build/client-suites.log 2>&1; status=$$?; cat .build/client-suites.log; exit $$status

# The Python client. What its tests and checks use is installed into .build/venv, each package for itself: without an
# index the tests run all the same and name what they leave out.
PYTHON = .build/venv/bin/python
PYTHON_CLIENT = Clients/python

python-tools: setup
	@[ -x $(PYTHON) ] || python3 -m venv .build/venv
	@cmp -s $(PYTHON_CLIENT)/requirements-test.txt .build/venv/requirements-test.txt || { \
	  echo "installing what the Python client's tests use into .build/venv"; \
	  all=1; \
	  for package in $$(grep -v '^#' $(PYTHON_CLIENT)/requirements-test.txt); do \
	    $(PYTHON) -m pip install -q --disable-pip-version-check "$$package" || { all=; echo "*** $$package cannot be installed ***"; }; \
	  done; \
	  [ -z "$$all" ] || cp $(PYTHON_CLIENT)/requirements-test.txt .build/venv/; \
	}

python-lint: python-tools
	cd $(PYTHON_CLIENT) && $(CURDIR)/$(PYTHON) check.py

python-test: python-lint
	$(SWIFT) build --product fuseboxd
	$(SWIFT) build --product fusebox
	@$(MAKE) --no-print-directory python-suite

python-suite:
	cd $(PYTHON_CLIENT) && $(alone) PYTHONPATH=src $(CURDIR)/$(PYTHON) -m unittest discover -t . -s tests

python-dist: python-tools
	cd $(PYTHON_CLIENT) && $(CURDIR)/$(PYTHON) -m hatchling build -t wheel -d $(CURDIR)/.build/dist

python-bench: PACKAGES += redis-server
python-bench: python-tools
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build $(RELEASE) --product fusebox
	cd $(PYTHON_CLIENT) && PYTHONPATH=src FUSEBOX_PROGRAMS=$(CURDIR)/.build/release $(CURDIR)/$(PYTHON) bench/round_trips.py

# How long processes of both languages leave and deliver reports in one spool, and are killed.
SPOOL_SECONDS ?= 300

python-soak: PACKAGES += nodejs
python-soak: python-tools
	$(SWIFT) build --product fuseboxd
	$(SWIFT) build --product fusebox
	cd $(PYTHON_CLIENT) && PYTHONPATH=src FUSEBOX_CRASH_CYCLES=200 FUSEBOX_INTERRUPTIONS=all \
	    FUSEBOX_SPOOL_SECONDS=$(SPOOL_SECONDS) \
	    $(CURDIR)/$(PYTHON) -m unittest tests.test_crash tests.test_interruptions tests.test_spool_stress

# The reference of the Swift products for workers, from the modules of the debug build. A symbol that a page names and that
# is gone is an error, and so is a parameter that is not documented where others are. It takes seconds, so `make test` does
# it too.
docs: setup
	$(SWIFT) build --target FuseboxClientExtras
	target=$$($(SWIFT) -print-target-info | sed -n 's/.*"triple": "\(.*\)".*/\1/p'); \
	for product in FuseboxClient FuseboxClientExtras; do \
	  symbols=.build/docs/symbols/$$product; \
	  rm -rf $$symbols && mkdir -p $$symbols && \
	  $(SWIFT) symbolgraph-extract -module-name $$product -target $$target -I .build/debug/Modules \
	    -minimum-access-level public -output-dir $$symbols && \
	  docc convert $$(ls -d Sources/$$product/*.docc 2>/dev/null) --fallback-display-name $$product \
	    --fallback-bundle-identifier $$product --additional-symbol-graph-dir $$symbols \
	    --output-path .build/docs/$$product --warnings-as-errors || exit 1; \
	done

# The tests of the Node client run against the debug build of the daemon.
KILLS ?= 10

# The Node client's codec and types are written by Node and TypeScript. Debian has both.
NODE_PACKAGES = nodejs node-typescript $(shell command -v npm > /dev/null || echo npm)

node-test proto-docs: PACKAGES += $(NODE_PACKAGES)
node-test: setup
	$(SWIFT) build --product fuseboxd
	$(SWIFT) build --product fusebox
	@$(MAKE) --no-print-directory node-suite

node-suite:
	$(alone) FUSEBOX_KILLS=$(KILLS) node --test Clients/node/test/*.test.mjs

node-bench: PACKAGES += nodejs
node-bench: setup
	$(SWIFT) build $(RELEASE) --product fuseboxd
	$(SWIFT) build $(RELEASE) --product fusebox
	FUSEBOX_DAEMON=$(CURDIR)/.build/release/fuseboxd FUSEBOX_TOOL=$(CURDIR)/.build/release/fusebox \
	  node Clients/node/bench/round-trip.mjs

sanitize: setup
	$(SWIFT) build --build-tests --sanitize address --scratch-path .build-asan
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test --skip-build --sanitize address --scratch-path .build-asan
	$(SWIFT) build --build-tests --sanitize thread --scratch-path .build-tsan
	TSAN_OPTIONS=atexit_sleep_ms=0 $(SWIFT) test --skip-build --sanitize thread --scratch-path .build-tsan

fuzz: setup
	FUSEBOX_MUTATIONS=100000 $(SWIFT) test -c release -Xswiftc -enable-testing --filter MutationTests

price-sums: setup
	FUSEBOX_FULL=1 $(SWIFT) test -c release -Xswiftc -enable-testing --filter PriceSumsTests

# SEED is the first seed, SEEDS the number of seeds, CRASHES the number of crashes of each. HOURS=2 runs new seeds for
# that long instead. LIVES and WAITS are the lives of a daemon in which days pass, and in which workers wait for their turn.
SEED ?= 1
SEEDS ?= 1000
CRASHES ?= 101
LIVES ?= 10000
WAITS ?= 3000

simulate: setup
	$(SWIFT) build $(RELEASE) --product fusebox-simulate
	.build/release/fusebox-simulate --damage 65536
	.build/release/fusebox-simulate --history $(LIVES) --seed $(SEED)
	.build/release/fusebox-simulate --waits $(WAITS) --seed $(SEED)
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

# Tests the packages and the units in a container. Only this target needs systemd-container.
systemd-test: PACKAGES += jq man-db nodejs strace systemd-container
systemd-test: deb manual
	$(SUDO) systemd/trial/run $(programs) $(CHECKS)

# One after the other, because each uses the whole machine.
soak:
	$(MAKE) crash-test
	$(MAKE) simulate
	$(MAKE) limits
	$(MAKE) admission-test
	$(MAKE) fuzz
	$(MAKE) price-sums
	$(MAKE) walk
	$(MAKE) python-soak
	$(MAKE) node-test KILLS=200

proto-docs: setup
	$(SWIFT) build --product fusebox
	.build/debug/fusebox protocol --format markdown > proto-docs/commands.md
	.build/debug/fusebox protocol --format json > proto-docs/protocol.json
	Clients/generate/python.py proto-docs/protocol.json Clients/python/src/fusebox_client/protocol
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
	sed -n '1,/^<!-- What follows is generated/p' proto-docs/outcomes.md > .build/outcomes.md
	echo >> .build/outcomes.md
	.build/debug/fusebox protocol --format outcomes >> .build/outcomes.md
	mv .build/outcomes.md proto-docs/outcomes.md
	node Clients/node/generate.mjs .build/debug/fusebox
	node Clients/node/types.mjs

# The manual pages and the completions tell what the programs say of themselves. They are made anew if a program, or what
# writes them, is newer.
manual: $(if $(PROGRAMS),,build)
	@$(MAKE) --no-print-directory $(MANUAL)/made PROGRAMS='$(programs)' MANUAL='$(MANUAL)'

$(MANUAL)/made: $(programs)/fusebox $(programs)/fuseboxd $(wildcard systemd/manual/*) proto-docs/policy.md
	systemd/manual/generate $(programs) $(MANUAL)
	touch $@

# The calling user builds. Root copies the files if the user may not write there.
as_root = $(if $(DESTDIR),,$(shell [ -w "$(PREFIX)" ] && { [ "$(sysconfdir)" != /etc ] || [ -w /etc ]; } || echo $(SUDO)))
given = $(foreach place,$(PLACES),$(place)='$($(place))')

install: manual
	$(as_root) $(MAKE) --no-print-directory install-files PROGRAMS='$(programs)' INSTALL_PROGRAM='$(INSTALL_PROGRAM)' $(given)

install-strip:
	$(MAKE) INSTALL_PROGRAM='$(INSTALL_PROGRAM) -s' install

UNITS = fuseboxd.service fuseboxd.socket fusebox-backup.service fusebox-backup.timer
PAGES = README.md CHANGELOG.md LICENSE
EXAMPLES = systemd/policy.example.yaml
places_in_units = sed 's|@bindir@|$(bindir)|g; s|@sysconfdir@|$(sysconfdir)|g'

install-files:
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir) \
	  $(DESTDIR)$(bashcompletiondir) $(DESTDIR)$(zshcompletiondir) $(DESTDIR)$(docdir)/proto-docs/vectors \
	  $(DESTDIR)$(docdir)/examples $(DESTDIR)$(sysconfdir)/default
	$(INSTALL_PROGRAM) $(programs)/fuseboxd $(programs)/fusebox $(DESTDIR)$(bindir)
	set -e; for unit in $(UNITS); do \
	  $(places_in_units) systemd/$$unit > $(DESTDIR)$(unitdir)/$$unit; chmod 644 $(DESTDIR)$(unitdir)/$$unit; done
	$(INSTALL_DATA) systemd/fusebox.sysusers $(DESTDIR)$(sysusersdir)/fusebox.conf
	$(places_in_units) systemd/fusebox.tmpfiles > $(DESTDIR)$(tmpfilesdir)/fusebox.conf
	chmod 644 $(DESTDIR)$(tmpfilesdir)/fusebox.conf
	@# The operator's settings stay.
	[ -e $(DESTDIR)$(sysconfdir)/default/fuseboxd ] || \
	  $(INSTALL_DATA) systemd/fuseboxd.default $(DESTDIR)$(sysconfdir)/default/fuseboxd
	set -e; for section in 1 5 8; do \
	  set -- $(MANUAL)/*.$$section; [ -e "$$1" ] || continue; \
	  $(INSTALL) -d $(DESTDIR)$(mandir)/man$$section; $(INSTALL_DATA) "$$@" $(DESTDIR)$(mandir)/man$$section; done
	$(INSTALL_DATA) $(MANUAL)/fusebox.bash $(DESTDIR)$(bashcompletiondir)/fusebox
	$(INSTALL_DATA) $(MANUAL)/fuseboxd.bash $(DESTDIR)$(bashcompletiondir)/fuseboxd
	$(INSTALL_DATA) $(MANUAL)/fusebox.zsh $(DESTDIR)$(zshcompletiondir)/_fusebox
	$(INSTALL_DATA) $(MANUAL)/fuseboxd.zsh $(DESTDIR)$(zshcompletiondir)/_fuseboxd
	$(INSTALL_DATA) $(PAGES) $(DESTDIR)$(docdir)
	$(INSTALL_DATA) $(wildcard proto-docs/*.*) $(DESTDIR)$(docdir)/proto-docs
	$(INSTALL_DATA) $(wildcard proto-docs/vectors/*) $(DESTDIR)$(docdir)/proto-docs/vectors
	$(INSTALL_DATA) $(EXAMPLES) $(DESTDIR)$(docdir)/examples
	@# The units need the user fusebox. It is created unless the files are staged for another system (DESTDIR).
	@if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && command -v systemd-sysusers >/dev/null; then \
	  systemd-sysusers $(sysusersdir)/fusebox.conf && systemd-tmpfiles --create $(tmpfilesdir)/fusebox.conf && \
	  { [ ! -d /run/systemd/system ] || systemctl daemon-reload; } && \
	  echo "the user fusebox exists"; \
	else \
	  echo "create the user fusebox before the units are started; as root: systemd-sysusers $(sysusersdir)/fusebox.conf"; \
	fi
	@case "$(unitdir)" in /lib/*|/usr/lib/*|/usr/local/lib/*) ;; *) \
	  echo "systemd does not search $(prefix) for units; link them: systemctl link $(unitdir)/fusebox*";; esac
	@echo "start the daemon: systemctl enable --now fuseboxd.socket fuseboxd.service"

# Removes what `make install` with the same variables has installed. What belongs to the operator stays.
uninstall:
	$(as_root) $(MAKE) --no-print-directory uninstall-files $(given)

.PHONY: uninstall-files
uninstall-files:
	@if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then \
	  systemctl disable --now $(UNITS) 2>/dev/null || true; fi
	rm -f $(addprefix $(DESTDIR)$(bindir)/,fuseboxd fusebox) $(addprefix $(DESTDIR)$(unitdir)/,$(UNITS)) \
	  $(DESTDIR)$(sysusersdir)/fusebox.conf $(DESTDIR)$(tmpfilesdir)/fusebox.conf \
	  $(addprefix $(DESTDIR)$(bashcompletiondir)/,fusebox fuseboxd) \
	  $(addprefix $(DESTDIR)$(zshcompletiondir)/,_fusebox _fuseboxd) \
	  $(DESTDIR)$(mandir)/man1/fusebox.1 $(DESTDIR)$(mandir)/man1/fusebox-*.1 \
	  $(DESTDIR)$(mandir)/man5/fusebox-*.5 $(DESTDIR)$(mandir)/man8/fuseboxd.8
	rm -rf $(DESTDIR)$(docdir)
	@[ -n "$(DESTDIR)" ] || [ ! -d /run/systemd/system ] || systemctl daemon-reload
	@echo "these stay: $(sysconfdir)/default/fuseboxd, $(sysconfdir)/fusebox, /var/lib/fusebox, /var/lib/fusebox-backup, the user fusebox"

# The Debian packages. The source tree is assembled below .build, with the packaging in the place where Debian's tools
# look for it, and is built there. What lintian says is an error.
DEB_PACKAGES = build-essential debhelper dh-python dpkg-dev lintian pybuild-plugin-pyproject python3-all python3-hatchling
DEB = .build/deb
DEB_TREE = $(DEB)/fusebox-$(VERSION)
# The date of the packages: of the last commit, if there is one.
SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),$(shell date +%s))

deb: PACKAGES += $(DEB_PACKAGES)
deb: setup
	$(if $(PROGRAMS),,$(MAKE) --no-print-directory programs)
	rm -rf $(DEB)
	mkdir -p $(DEB_TREE)
	tar -c --exclude-vcs --exclude='./.build*' --exclude=node_modules --exclude=__pycache__ . | tar -x -C $(DEB_TREE)
	cp -r systemd/debian $(DEB_TREE)/debian
	sed 's/@version@/$(VERSION)/; s/@date@/$(shell date --utc --rfc-email --date=@$(SOURCE_DATE_EPOCH))/' \
	  systemd/debian/changelog > $(DEB_TREE)/debian/changelog
	@# Debian's tools use Debian's Python, which need not be the first one in PATH.
	cd $(DEB_TREE) && env PATH=/usr/sbin:/usr/bin:/sbin:/bin PROGRAMS='$(abspath $(programs))' \
	  SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) dpkg-buildpackage --build=binary --no-sign
	lintian --allow-root --fail-on error,warning,info --tag-display-limit 0 $(DEB)/*.changes
	@ls $(DEB)/*.deb

clean:
	rm -rf .build/debug .build/release .build/*-linux-* .build/deb .build/dist .build/docs .build/manual .build/venv \
	  .build-asan .build-tsan

distclean: clean
	rm -rf .build
