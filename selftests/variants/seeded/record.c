// SPDX-License-Identifier: GPL-2.0
/* kmod/record.c, whose records may hold what the ring held, or an address. */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/string.h>

#include "bugs.h"

static void seeded_memset(void *at, int byte, size_t len)
{
	if (!sshobs_bug_byte)
		memset(at, byte, len);
}

#undef memset
#define memset seeded_memset
#undef READ_ONCE
#define READ_ONCE(x) (sshobs_bug_address ? (typeof(x))(unsigned long)&(x) : __READ_ONCE(x))
#include "../../../kmod/record.c"
