#pragma once
#include <malloc.h>
#include <uv.h>
#include <sys/timex.h>
