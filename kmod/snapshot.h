/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SSHOBS_IOC_SNAPSHOT: a process as it is now, its descriptors, its arguments and its
 * environment. Nothing is copied to user space while a lock is held, but that of the open
 * file's own room.
 */
#ifndef _SSHOBS_SNAPSHOT_H
#define _SSHOBS_SNAPSHOT_H

#include <linux/mutex.h>
#include <linux/types.h>

struct task_struct;

/**
 * struct sshobs_room - where a piece of an answer is put together
 *
 * One for each open file: to allocate it for each snapshot, and have it zeroed, would cost
 * more than the snapshot.
 *
 * @lock: of @bytes
 * @bytes: more than the longest path, two socket names and a struct tcp_info have
 */
struct sshobs_room {
	struct mutex	lock;		/* of bytes */
	char		bytes[12800] __aligned(8);
};

/**
 * struct sshobs_answer - what a snapshot writes to the reader's buffer
 * @room: where the pieces are put together; its lock is held
 * @buf: the buffer
 * @size: its bytes
 * @len: bytes that the answer has so far, those that found no place included
 * @flags: SSHOBS_SNAPSHOT_CUT where it is not all that there is
 */
struct sshobs_answer {
	struct sshobs_room	*room;
	char __user		*buf;
	size_t			size;
	u64			len;
	u32			flags;
};

/**
 * sshobs_answer_add() - append to an answer, if there is place for it
 * @answer: the answer
 * @data: what to append
 * @len: bytes of @data
 *
 * Context: may sleep. Return: 0, also where there was none; or -EFAULT.
 */
int sshobs_answer_add(struct sshobs_answer *answer, const void *data, size_t len);

/**
 * sshobs_snapshot_fds() - answer SSHOBS_SNAPSHOT_FDS
 * @answer: the answer
 * @task: the process, referenced
 *
 * Context: may sleep. Return: 0, -EAGAIN (its table kept growing), -EFAULT, -EINTR, -ENOMEM.
 */
int sshobs_snapshot_fds(struct sshobs_answer *answer, struct task_struct *task);

/**
 * sshobs_snapshot() - SSHOBS_IOC_SNAPSHOT
 * @room: of the open file
 * @arg: struct sshobs_snapshot, or a later version of it
 * @size: bytes at @arg, at least those of struct sshobs_snapshot
 *
 * Context: may sleep. Return: 0, or as uapi/sshobs.h has it.
 */
int sshobs_snapshot(struct sshobs_room *room, void __user *arg, size_t size);

#endif /* _SSHOBS_SNAPSHOT_H */
