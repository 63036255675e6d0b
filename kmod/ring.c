// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/irq_work.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "ring.h"

/* In a header's len while its writer is at it. */
#define BUSY		0x80000000U
/* Type of what fills the end of the ring, where the next record did not fit. */
#define FILLER		0

/*
 * Positions count bytes since load and never wrap; masked, they are offsets.
 * Writers hold the lock to move head and tail. Readers hold none: they look at
 * what stands between the two, copy, and look at tail again. If it has passed
 * them by then, what they copied may be torn and is thrown away.
 */
static struct {
	raw_spinlock_t		lock;
	char			*data;
	u64			size;
	u64			head;
	u64			tail;
	u64			seq;		/* of the newest record */
	u64			tail_seq;	/* lowest that may still stand */
	u64			dropped;
	u64			overwritten;
	wait_queue_head_t	readers;
	struct irq_work		wake;
} ring;

static void ring_wake(struct irq_work *work)
{
	wake_up_interruptible_all(&ring.readers);
}

int sshobs_ring_init(size_t bytes)
{
	static_assert(sizeof(struct sshobs_hdr) % 8 == 0);
	static_assert(SSHOBS_RECORD_MAX % 8 == 0);

	memset(&ring, 0, sizeof(ring));
	ring.data = vmalloc(bytes);
	if (!ring.data)
		return -ENOMEM;
	ring.size = bytes;
	ring.tail_seq = 1;
	raw_spin_lock_init(&ring.lock);
	init_waitqueue_head(&ring.readers);
	init_irq_work(&ring.wake, ring_wake);
	return 0;
}

void sshobs_ring_exit(void)
{
	irq_work_sync(&ring.wake);
	vfree(ring.data);
}

static struct sshobs_hdr *ring_at(u64 pos)
{
	return (struct sshobs_hdr *)(ring.data + (pos & (ring.size - 1)));
}

/* Overwrite the oldest records until need bytes are free. Holds the lock. */
static bool ring_make_room(u64 need)
{
	u64 tail = ring.tail;

	while (ring.head + need - tail > ring.size) {
		const struct sshobs_hdr *oldest = ring_at(tail);
		u32 len = READ_ONCE(oldest->len);

		if (len & BUSY)
			return false;
		if (oldest->type != FILLER) {
			ring.overwritten++;
			ring.tail_seq = oldest->seq + 1;
		}
		tail += len;
		WRITE_ONCE(ring.tail, tail);
	}
	/* A reader that sees a new byte must see the new tail too. */
	smp_wmb();
	return true;
}

/* Records do not wrap around: what is left at the end is filled up. */
static void ring_fill_end(u64 gap)
{
	struct sshobs_hdr *filler = ring_at(ring.head);

	filler->type = FILLER;
	WRITE_ONCE(filler->len, gap);
	/* Pairs with sshobs_ring_read(): the filler is there before it is reached. */
	smp_store_release(&ring.head, ring.head + gap);
}

struct sshobs_hdr *sshobs_ring_reserve(size_t len, u64 *sub_seq)
{
	struct sshobs_hdr *hdr = NULL;
	unsigned long flags;
	u64 to_end, gap;

	raw_spin_lock_irqsave(&ring.lock, flags);
	WRITE_ONCE(ring.seq, ring.seq + 1);
	if (sub_seq)
		++*sub_seq;

	to_end = ring.size - (ring.head & (ring.size - 1));
	gap = to_end < len ? to_end : 0;
	if (!ring_make_room(gap + len)) {
		ring.dropped++;
		goto unlock;
	}
	if (gap)
		ring_fill_end(gap);

	hdr = ring_at(ring.head);
	WRITE_ONCE(hdr->len, len | BUSY);
	hdr->type = FILLER + 1;
	hdr->seq = ring.seq;
	hdr->session_seq = sub_seq ? *sub_seq : 0;
	hdr->time_ns = ktime_get_ns();
	/* Pairs with sshobs_ring_read(): BUSY is there before the record is reached. */
	smp_store_release(&ring.head, ring.head + len);
unlock:
	raw_spin_unlock_irqrestore(&ring.lock, flags);
	return hdr;
}

void sshobs_ring_commit(struct sshobs_hdr *hdr)
{
	/* Pairs with ring_copy(): the record is there before BUSY goes. */
	smp_store_release(&hdr->len, hdr->len & ~BUSY);
	/* Pairs with the barrier of prepare_to_wait(). */
	smp_mb();
	/* A reader that is not in the queue yet will see the record when it looks. */
	if (waitqueue_active(&ring.readers))
		irq_work_queue(&ring.wake);
}

void sshobs_ring_oldest(struct sshobs_cursor *cursor)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ring.lock, flags);
	cursor->pos = ring.tail;
	cursor->seq = ring.tail_seq;
	raw_spin_unlock_irqrestore(&ring.lock, flags);
}

void sshobs_ring_newest(struct sshobs_cursor *cursor)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ring.lock, flags);
	cursor->pos = ring.head;
	cursor->seq = ring.seq + 1;
	raw_spin_unlock_irqrestore(&ring.lock, flags);
}

/* At the end of the ring: what was numbered and dropped since is all that is new. */
static u64 ring_lost_at_end(struct sshobs_cursor *cursor)
{
	unsigned long flags;
	u64 lost = 0;

	raw_spin_lock_irqsave(&ring.lock, flags);
	if (cursor->pos == ring.head) {
		lost = ring.seq + 1 - cursor->seq;
		cursor->seq = ring.seq + 1;
	}
	raw_spin_unlock_irqrestore(&ring.lock, flags);
	return lost;
}

static bool ring_overtaken(const struct sshobs_cursor *cursor)
{
	/* Pairs with ring_make_room(): if a byte was new, tail is seen as new. */
	smp_rmb();
	return READ_ONCE(ring.tail) > cursor->pos;
}

/*
 * Copy the record at the cursor, which stands before head. Return its length, 0
 * if its writer is at it, or -EAGAIN if it was overwritten meanwhile.
 */
static ssize_t ring_copy(const struct sshobs_cursor *cursor, void *buf)
{
	const struct sshobs_hdr *hdr = ring_at(cursor->pos);
	/* Pairs with sshobs_ring_commit(). */
	u32 len = smp_load_acquire(&hdr->len);

	if (ring_overtaken(cursor))
		return -EAGAIN;
	if (len & BUSY)
		return 0;
	/* A filler at the end may be shorter than a header. */
	data_race(memcpy(buf, hdr, len));
	if (ring_overtaken(cursor))
		return -EAGAIN;
	return len;
}

size_t sshobs_ring_read(struct sshobs_cursor *cursor, void *buf, u64 *lost)
{
	const struct sshobs_hdr *hdr = buf;
	ssize_t len;

	*lost = 0;
	for (;;) {
		cursor->pos = max(cursor->pos, READ_ONCE(ring.tail));
		/* Pairs with sshobs_ring_reserve(). */
		if (cursor->pos >= smp_load_acquire(&ring.head)) {
			*lost = ring_lost_at_end(cursor);
			return 0;
		}
		len = ring_copy(cursor, buf);
		if (len == -EAGAIN)
			continue;
		if (!len)
			return 0;
		if (hdr->type != FILLER)
			break;
		cursor->pos += len;
	}
	if (hdr->seq != cursor->seq) {
		*lost = hdr->seq - cursor->seq;
		cursor->seq = hdr->seq;
		return 0;
	}
	cursor->pos += len;
	cursor->seq++;
	return len;
}

bool sshobs_ring_ready(const struct sshobs_cursor *cursor)
{
	return READ_ONCE(ring.head) != cursor->pos || READ_ONCE(ring.seq) + 1 != cursor->seq;
}

int sshobs_ring_wait(const struct sshobs_cursor *cursor)
{
	/* There is no sleep while a writer is at the record, however long that takes. */
	cond_resched();
	if (signal_pending(current))
		return -ERESTARTSYS;
	return wait_event_interruptible(ring.readers, sshobs_ring_ready(cursor));
}

void sshobs_ring_poll_wait(struct file *file, struct poll_table_struct *wait)
{
	poll_wait(file, &ring.readers, wait);
}

void sshobs_ring_stats(struct sshobs_ring_stats *stats)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ring.lock, flags);
	stats->next_seq = ring.seq + 1;
	stats->oldest_seq = ring.tail_seq;
	stats->dropped = ring.dropped;
	stats->overwritten = ring.overwritten;
	stats->bytes = ring.size;
	raw_spin_unlock_irqrestore(&ring.lock, flags);
}
