// SPDX-License-Identifier: GPL-2.0
/* kmod/environ.c, which miscounts bytes and references, and forgets to free. */
#include <linux/mm_types.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bugs.h"

static void *seeded_kmalloc(size_t size, gfp_t flags)
{
	return kmalloc(sshobs_bug_bounds ? size / 2 : size, flags);
}

static bool seeded_inc_not_zero(refcount_t *ref)
{
	return sshobs_bug_use ? refcount_read(ref) : refcount_inc_not_zero(ref);
}

#define kmalloc seeded_kmalloc
#define refcount_inc_not_zero seeded_inc_not_zero
#undef kfree_rcu
#define kfree_rcu(object, rcu) \
	do { \
		if (!sshobs_bug_leak) \
			kvfree_rcu(object, rcu); \
	} while (0)
#include "../../../kmod/environ.c"
