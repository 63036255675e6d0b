// SPDX-License-Identifier: GPL-2.0
/* kmod/ring.c, which forgets who else is there, and what it holds. */
#include <linux/irq_work.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "../../../kmod/session.h"
#include "bugs.h"

/* With the ring's lock held. */
static u64 seeded_get_ns(void)
{
	struct sshobs_stats stats;

	if (sshobs_bug_order)
		sshobs_session_stats(&stats);
	return ktime_get_ns();
}

#define ktime_get_ns seeded_get_ns
#undef READ_ONCE
#define READ_ONCE(x) (sshobs_bug_race ? (x) : __READ_ONCE(x))
#include "../../../kmod/ring.c"
