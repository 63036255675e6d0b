// SPDX-License-Identifier: GPL-2.0
/* kmod/session.c, which forgets where it is, and what it holds. */
#include <linux/fdtable.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "../../../kmod/ring.h"
#include "../../../kmod/session.h"
#include "bugs.h"

/* In a handler. */
static void *seeded_zalloc(struct kmem_cache *cache, gfp_t flags)
{
	return kmem_cache_zalloc(cache, sshobs_bug_sleep ? GFP_KERNEL : flags);
}

/* With the tables' lock held. */
static void seeded_add_head(struct hlist_node *node, struct hlist_head *head)
{
	struct sshobs_ring_stats stats;

	if (sshobs_bug_order)
		sshobs_ring_stats(&stats);
	hlist_add_head_rcu(node, head);
}

#define kmem_cache_zalloc seeded_zalloc
#define hlist_add_head_rcu seeded_add_head
#include "../../../kmod/session.c"
