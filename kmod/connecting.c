// SPDX-License-Identifier: GPL-2.0
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "connecting.h"
#include "session.h"

/* Connections that are followed at the same time, and how many of one session. */
#define CONNECTING_MAX		1024
#define CONNECTING_SESSION	32

#define TABLE_BITS		8

atomic_t sshobs_connecting_count;

static struct hlist_head table[1 << TABLE_BITS];
static DEFINE_RAW_SPINLOCK(table_lock);
static struct kmem_cache *cache;

int sshobs_connecting_init(void)
{
	cache = KMEM_CACHE(sshobs_connecting, 0);
	return cache ? 0 : -ENOMEM;
}

void sshobs_connecting_exit(void)
{
	struct sshobs_connecting *entry;
	struct hlist_node *next;
	unsigned int i;

	preempt_disable();
	for (i = 0; i < ARRAY_SIZE(table); i++)
		hlist_for_each_entry_safe(entry, next, &table[i], by_sock)
			sshobs_connecting_free(entry);
	preempt_enable();
	kmem_cache_destroy(cache);
}

static struct hlist_head *bucket_of(const struct sock *sock)
{
	return &table[hash_ptr(sock, TABLE_BITS)];
}

/* Count one more, of the session and of all, up to the bounds. */
static bool count_in(struct sshobs_session *session)
{
	if (!sshobs_count_in(&session->connecting, CONNECTING_SESSION))
		return false;
	if (sshobs_count_in(&sshobs_connecting_count, CONNECTING_MAX))
		return true;
	atomic_dec(&session->connecting);
	return false;
}

static void count_out(struct sshobs_session *session)
{
	atomic_dec(&sshobs_connecting_count);
	atomic_dec(&session->connecting);
}

/* Holds the lock. */
static struct sshobs_connecting *connecting_find(const struct sock *sock)
{
	struct sshobs_connecting *entry;

	hlist_for_each_entry(entry, bucket_of(sock), by_sock)
		if (entry->sock == sock)
			return entry;
	return NULL;
}

bool sshobs_connecting_add(struct sshobs_session *session, const struct sock *sock,
			   const struct sshobs_endpoint *peer, u64 begin_ns)
{
	struct sshobs_connecting *entry;
	unsigned long flags;
	bool known;

	if (!count_in(session))
		return false;
	entry = kmem_cache_alloc(cache, GFP_NOWAIT | __GFP_NOWARN);
	if (!entry)
		goto count_out;
	if (!sshobs_session_hold(session))
		goto free_entry;
	entry->sock = sock;
	entry->session = session;
	entry->task = get_task_struct(current);
	entry->peer = *peer;
	entry->begin_ns = begin_ns;

	raw_spin_lock_irqsave(&table_lock, flags);
	known = connecting_find(sock);
	if (!known)
		hlist_add_head(&entry->by_sock, bucket_of(sock));
	raw_spin_unlock_irqrestore(&table_lock, flags);
	/* Two threads began it at once, of whom one is refused. */
	if (known)
		sshobs_connecting_free(entry);
	return true;

free_entry:
	kmem_cache_free(cache, entry);
count_out:
	count_out(session);
	return false;
}

struct sshobs_connecting *sshobs_connecting_take(const struct sock *sock)
{
	struct sshobs_connecting *entry;
	unsigned long flags;

	if (hlist_empty(bucket_of(sock)))
		return NULL;
	raw_spin_lock_irqsave(&table_lock, flags);
	entry = connecting_find(sock);
	if (entry)
		hlist_del(&entry->by_sock);
	raw_spin_unlock_irqrestore(&table_lock, flags);
	return entry;
}

void sshobs_connecting_free(struct sshobs_connecting *entry)
{
	count_out(entry->session);
	put_task_struct(entry->task);
	sshobs_session_put(entry->session);
	kmem_cache_free(cache, entry);
}
