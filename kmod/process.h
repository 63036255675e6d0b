/* SPDX-License-Identifier: GPL-2.0 */
/* What can be told of any process: the only file that takes locks of tasks. */
#ifndef _SSHOBS_PROCESS_H
#define _SSHOBS_PROCESS_H

#include <linux/mm.h>
#include <linux/types.h>

#include "../uapi/sshobs.h"

struct cred;
struct file;
struct mm_struct;
struct task_struct;
struct tty_struct;

/**
 * sshobs_process_ids() - who somebody is
 * @ids: out
 * @cred: his credentials, kept by the caller
 *
 * Context: any.
 */
void sshobs_process_ids(struct sshobs_ids *ids, const struct cred *cred);

/**
 * sshobs_process_times() - what getrusage() would tell of all threads, gone or not
 * @task: any of them, kept by the caller
 * @utime_ns: out: user CPU time
 * @stime_ns: out: system CPU time
 *
 * Context: any; takes the RCU read lock.
 */
void sshobs_process_times(struct task_struct *task, u64 *utime_ns, u64 *stime_ns);

/**
 * sshobs_process_tty() - the controlling terminal
 * @task: the process, kept by the caller
 *
 * Context: any but NMI; takes the lock of the process's signal handlers.
 * Return: a reference, for tty_kref_put(); or NULL.
 */
struct tty_struct *sshobs_process_tty(struct task_struct *task);

/**
 * sshobs_process_tty_name() - a terminal as people and ps(1) call it
 * @name: out: SSHOBS_TTY_LEN bytes, padded with NUL by the caller
 * @tty: the terminal
 *
 * Context: any.
 */
void sshobs_process_tty_name(char *name, const struct tty_struct *tty);

/**
 * sshobs_process_exe() - path of the file that a process runs
 * @mm: its memory, kept by the caller
 * @buf: room for the path
 * @size: bytes of @buf
 *
 * Context: may sleep. Return: the path, somewhere in @buf, as current's root has it; ""
 * where it can't be told.
 */
const char *sshobs_process_exe(struct mm_struct *mm, char *buf, size_t size);

/**
 * sshobs_process_limit() - one resource limit
 * @limit: out: soft and hard; used is left alone
 * @task: the process, kept by the caller
 * @resource: RLIMIT_*
 *
 * Context: any; reads without a lock, so that soft and hard may be of two moments.
 */
void sshobs_process_limit(struct sshobs_limit *limit, const struct task_struct *task,
			  unsigned int resource);

/* Limits that sshobs_process_edges() may tell of. */
#define SSHOBS_EDGES_MAX	4

/**
 * sshobs_process_edges() - which limits a process that ends lives at the edge of
 * @limits: out: SSHOBS_EDGES_MAX of them, the first ones filled in the order of the bits
 * @task: current, its last thread, which has its descriptors still
 *
 * Context: any; takes the RCU read lock. Return: what struct sshobs_exit has as limits.
 */
u32 sshobs_process_edges(struct sshobs_limit *limits, const struct task_struct *task);

/**
 * sshobs_kib() - pages as the kernel counts memory, in KiB
 * @pages: how many
 *
 * Context: any.
 */
static inline u64 sshobs_kib(unsigned long pages)
{
	return (u64)pages << (PAGE_SHIFT - 10);
}

/**
 * sshobs_process_files() - walk the open descriptors of a process, as of one moment
 * @task: the process, kept by the caller
 * @look: called for each with @data, the file, and its number; it may not sleep, and
 *	non-zero ends the walk
 * @data: for @look
 *
 * Context: process context; takes the task's lock, and below it the table's. Does nothing
 * for a process without descriptors: a zombie.
 */
void sshobs_process_files(struct task_struct *task,
			  int (*look)(const void *data, struct file *file, unsigned int fd),
			  const void *data);

/**
 * sshobs_process_fds() - how many descriptors a process has open
 * @task: the process, kept by the caller
 *
 * One that is just being opened counts.
 *
 * Context: as for sshobs_process_files().
 */
unsigned int sshobs_process_fds(struct task_struct *task);

#endif /* _SSHOBS_PROCESS_H */
