#pragma once
#include <uv.h>
#include <sys/timex.h>
