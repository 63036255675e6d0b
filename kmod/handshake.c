// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "handshake.h"

/* 4096 SYNs: as many as Linux lets wait for their ACK by default, for each listener. */
#define ROWS	1024
#define WAYS	4

/**
 * struct syn - a SYN
 * @key: hash of its connection
 * @time_ns: when it came; 0: the place is free
 * @isn: its sequence number
 * @syns: how many there were
 * @dropped: of those, how many found the accept queue full
 * @backlog: what the last of those found in it
 * @backlog_max: how many might wait there
 */
struct syn {
	u64	key;
	u64	time_ns;
	u32	isn;
	u32	syns;
	u32	dropped;
	u32	backlog;
	u32	backlog_max;
};

/**
 * struct row - the places that a connection may have
 * @lock: protects @way; innermost
 * @way: the places
 */
struct row {
	raw_spinlock_t	lock;
	struct syn	way[WAYS];
};

static struct row *rows;
/* Nobody on the network can tell which connections share a row. */
static siphash_key_t secret __aligned(16);

int sshobs_handshake_init(void)
{
	unsigned int i;

	rows = kvcalloc(ROWS, sizeof(*rows), GFP_KERNEL);
	if (!rows)
		return -ENOMEM;
	for (i = 0; i < ROWS; i++)
		raw_spin_lock_init(&rows[i].lock);
	get_random_bytes(&secret, sizeof(secret));
	return 0;
}

void sshobs_handshake_exit(void)
{
	kvfree(rows);
}

static u64 connection_key(const struct net *net, const struct sshobs_endpoint *peer,
			  const struct sshobs_endpoint *local)
{
	struct {
		struct sshobs_endpoint	peer;
		struct sshobs_endpoint	local;
		const struct net	*net;
	} __aligned(SIPHASH_ALIGNMENT) connection = { *peer, *local, net };

	return siphash(&connection, sizeof(connection), &secret);
}

/* The place of a SYN: its own, or a free one, or that of the oldest. Holds the row's lock. */
static struct syn *row_place(struct row *row, u64 key, u32 isn)
{
	struct syn *oldest = row->way, *syn;

	for (syn = row->way; syn < row->way + WAYS; syn++) {
		if (syn->time_ns && syn->key == key && syn->isn == isn)
			return syn;
		if (syn->time_ns < oldest->time_ns)
			oldest = syn;
	}
	oldest->time_ns = 0;
	return oldest;
}

void sshobs_handshake_syn(const struct net *net, const struct sshobs_syn *rec, u64 time_ns)
{
	u64 key = connection_key(net, &rec->peer, &rec->local);
	struct row *row = &rows[key % ROWS];
	unsigned long flags;
	struct syn *syn;

	raw_spin_lock_irqsave(&row->lock, flags);
	syn = row_place(row, key, rec->peer_isn);
	if (!syn->time_ns)
		*syn = (struct syn){ .key = key, .time_ns = time_ns, .isn = rec->peer_isn };
	syn->syns++;
	if (rec->backlog > rec->backlog_max) {
		syn->dropped++;
		syn->backlog = rec->backlog;
		syn->backlog_max = rec->backlog_max;
	}
	raw_spin_unlock_irqrestore(&row->lock, flags);
}

void sshobs_handshake_take(const struct net *net, struct sshobs_established *rec)
{
	u64 key = connection_key(net, &rec->peer, &rec->local);
	struct row *row = &rows[key % ROWS];
	unsigned long flags;
	struct syn *syn;

	raw_spin_lock_irqsave(&row->lock, flags);
	for (syn = row->way; syn < row->way + WAYS; syn++) {
		if (!syn->time_ns || syn->key != key || syn->isn != rec->peer_isn)
			continue;
		rec->syn_ns = syn->time_ns;
		rec->syns = syn->syns;
		rec->syns_dropped = syn->dropped;
		rec->backlog = syn->backlog;
		rec->backlog_max = syn->backlog_max;
		syn->time_ns = 0;
		break;
	}
	raw_spin_unlock_irqrestore(&row->lock, flags);
}
