/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ring: bytes by sequence number. Any number of writers in any context, any
 * number of readers with a cursor each. A writer never waits: it overwrites the
 * oldest records. Knows nothing of sessions, devices and text.
 */
#ifndef _SSHOBS_RING_H
#define _SSHOBS_RING_H

#include <linux/types.h>

#include "../uapi/sshobs.h"

struct file;
struct poll_table_struct;

/**
 * struct sshobs_cursor - where a reader stands
 * @pos: byte position, counted since load, of the next record to look at
 * @seq: number of the next record that this reader has not accounted for
 */
struct sshobs_cursor {
	u64	pos;
	u64	seq;
};

/**
 * struct sshobs_ring_stats - what the ring counted since load
 * @next_seq: number that the next record will get
 * @oldest_seq: number of the oldest record that stands; @next_seq if none does
 * @dropped: records that were numbered and found no room
 * @overwritten: records that stood once and no longer do
 * @bytes: size of the ring
 */
struct sshobs_ring_stats {
	u64	next_seq;
	u64	oldest_seq;
	u64	dropped;
	u64	overwritten;
	u64	bytes;
};

/**
 * sshobs_ring_init() - allocate the ring
 * @bytes: its size, a power of two of at least 65536
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int sshobs_ring_init(size_t bytes);

/**
 * sshobs_ring_exit() - free the ring; no writer and no reader is left
 *
 * Context: may sleep; waits for a wake-up that is under way.
 */
void sshobs_ring_exit(void);

/**
 * sshobs_ring_reserve() - number a record, and find room for it
 * @len: bytes of the record with its header, a multiple of 8, at most
 *	SSHOBS_RECORD_MAX
 * @sub_seq: counter that is raised together with the number of the record (the
 *	session's), under the same lock; or NULL
 *
 * The caller fills the record and calls sshobs_ring_commit() without sleeping or
 * being preempted in between: readers wait at it and writers cannot pass it.
 *
 * Context: any but NMI; takes the ring's raw lock with interrupts off.
 * Return: the header, of which len, seq, time_ns and session_seq are set and
 * nothing else; or NULL where the oldest record is still being filled: the number
 * is spent, and every reader counts the record as lost.
 */
struct sshobs_hdr *sshobs_ring_reserve(size_t len, u64 *sub_seq);

/**
 * sshobs_ring_commit() - let readers see a record
 * @hdr: what sshobs_ring_reserve() returned
 *
 * Context: any but NMI; takes no lock, wakes readers through irq_work.
 */
void sshobs_ring_commit(struct sshobs_hdr *hdr);

/**
 * sshobs_ring_oldest() - set a cursor to the oldest record that stands
 * @cursor: the cursor
 *
 * Context: any but NMI.
 */
void sshobs_ring_oldest(struct sshobs_cursor *cursor);

/**
 * sshobs_ring_newest() - set a cursor behind the newest record
 * @cursor: the cursor
 *
 * Context: any but NMI.
 */
void sshobs_ring_newest(struct sshobs_cursor *cursor);

/**
 * sshobs_ring_read() - copy the next record out and move on
 * @cursor: the reader's cursor; its owner serialises calls with it
 * @buf: room for SSHOBS_RECORD_MAX bytes
 * @lost: out: records that the reader has lost before the next one. If it is not
 *	0 nothing was copied; the next call returns what follows
 *
 * Context: any but NMI. Return: the length of the record, or 0 if there is none
 * yet or @lost was set.
 */
size_t sshobs_ring_read(struct sshobs_cursor *cursor, void *buf, u64 *lost);

/**
 * sshobs_ring_ready() - is there something to read?
 * @cursor: the reader's cursor
 *
 * Context: any. Return: true if sshobs_ring_read() would return a record or a loss
 * now, or as soon as a writer that is at it has finished.
 */
bool sshobs_ring_ready(const struct sshobs_cursor *cursor);

/**
 * sshobs_ring_wait() - sleep until there is something to read
 * @cursor: the reader's cursor
 *
 * Returns at once while a writer is at the next record.
 *
 * Context: process, sleeps. Return: 0, or -ERESTARTSYS on a signal.
 */
int sshobs_ring_wait(const struct sshobs_cursor *cursor);

/**
 * sshobs_ring_poll_wait() - add the ring's wait queue to a poll
 * @file: the open file
 * @wait: the poll's table
 */
void sshobs_ring_poll_wait(struct file *file, struct poll_table_struct *wait);

/**
 * sshobs_ring_stats() - read the counters, consistently
 * @stats: out
 *
 * Context: any but NMI.
 */
void sshobs_ring_stats(struct sshobs_ring_stats *stats);

#endif /* _SSHOBS_RING_H */
