#pragma once
#include <malloc.h>
#if !__has_include(<uv.h>)
#error "libuv is missing; on Debian: apt-get install libuv1-dev"
#endif
#include <uv.h>
#include <sys/timex.h>
