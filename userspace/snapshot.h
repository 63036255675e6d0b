/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Readings of live processes: the only user of SSHOBS_IOC_SNAPSHOT. Every length in an
 * answer is checked here, once. What a user or the network put into it (comm, paths,
 * arguments, environment, socket names) is as it came: escape it.
 */
#ifndef _SSHOBS_SNAPSHOT_H
#define _SSHOBS_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../uapi/sshobs.h"

/* A set of parts: bit N is the enum sshobs_snapshot_what N. */
#define SNAPSHOT_PART(what) (1U << (what))
#define SNAPSHOT_ALL	    (~0U)

/**
 * struct blob - an answer, or a part of one
 * @data: the bytes, with a NUL after them that does not count; NULL: there was no answer
 * @len: how many
 */
struct blob {
	const char *data;
	size_t len;
};

/**
 * struct snapshot_fd - one open file descriptor whose lengths were checked
 * @fd: what the kernel told
 * @path: as readlink of /proc/PID/fd/N has it
 * @local_name: AF_UNIX: what it is bound to; an abstract name begins with a NUL
 * @peer_name: AF_UNIX: what the socket is bound to that it is connected to
 * @tcp_info: TCP: struct tcp_info, as long as the kernel's is; else of no bytes
 */
struct snapshot_fd {
	const struct sshobs_fd *fd;
	struct blob path;
	struct blob local_name;
	struct blob peer_name;
	struct blob tcp_info;
};

/**
 * struct snapshot - one process, as it was read
 * @task: what it is
 * @exe: the file that it runs
 * @fds: its descriptors, in rising order
 * @fds_count: how many
 * @argv: its arguments, or the title that it wrote over them
 * @environ: its environment as it is now
 * @exec_environ: its environment as it was given at exec; no data: none was kept
 * @cut: SNAPSHOT_PART()s of these three of which there was more
 * @buffers: what all of them stand in, by enum sshobs_snapshot_what - 1
 * @names: what the names in @fds stand in
 */
struct snapshot {
	const struct sshobs_task_info *task;
	struct blob exe;
	struct snapshot_fd *fds;
	size_t fds_count;
	struct blob argv;
	struct blob environ;
	struct blob exec_environ;
	unsigned int cut;
	void *buffers[5];
	char *names;
};

/**
 * snapshot_take() - read a process
 * @snapshot: out; snapshot_free() it
 * @device: the open device
 * @pid: process, as the initial pid namespace numbers it
 * @start_ns: when it began, CLOCK_MONOTONIC, as the stream has it; or SSHOBS_SNAPSHOT_ANY
 *
 * All parts are of the same process, also if another one gets its pid meanwhile; they are
 * read one after the other, each as it is at its moment.
 *
 * Return: 0; -ESRCH: it is gone; -EPERM; -ENOMEM; -EPROTO: an answer that cannot be; else
 * -errno.
 */
int snapshot_take(struct snapshot *snapshot, int device, uint32_t pid, uint64_t start_ns);

/**
 * snapshot_take_parts() - read some of a process, for who reads many of them again and again
 * @snapshot: out; snapshot_free() it; what was not asked for is empty
 * @device: the open device
 * @pid: process, as the initial pid namespace numbers it
 * @start_ns: when it began, CLOCK_MONOTONIC, as the stream has it; or SSHOBS_SNAPSHOT_ANY
 * @parts: which; SSHOBS_SNAPSHOT_TASK is always read
 *
 * Return: as snapshot_take().
 */
int snapshot_take_parts(struct snapshot *snapshot, int device, uint32_t pid, uint64_t start_ns,
			unsigned int parts);

/** snapshot_is_cut() - whether there was more of arguments, or of an environment, than was read */
bool snapshot_is_cut(const struct snapshot *snapshot, enum sshobs_snapshot_what what);

/** snapshot_free() - give a snapshot back; one that is all zero is fine */
void snapshot_free(struct snapshot *snapshot);

#endif /* _SSHOBS_SNAPSHOT_H */
