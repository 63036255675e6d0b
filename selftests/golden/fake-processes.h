/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that are not there, for the reader's unit tests: what SSHOBS_IOC_SNAPSHOT would
 * answer of them, byte by byte.
 */
#ifndef _SSHOBS_GOLDEN_FAKE_PROCESSES_H
#define _SSHOBS_GOLDEN_FAKE_PROCESSES_H

#include <stddef.h>
#include <stdint.h>

#include "../../uapi/sshobs.h"

#define FAKE_PROCESSES 16
#define FAKE_PARTS     5

/**
 * struct fake - one process
 * @pid: its pid
 * @start_ns: when it began
 * @bytes: its answers, by enum sshobs_snapshot_what - 1
 * @len: their lengths
 * @error: errno that the ioctl fails with instead; 0: none
 * @again: how often it is EAGAIN before
 * @grows: how often it is longer than what was said before
 * @boast: bytes that it is said to be longer than it is
 */
struct fake {
	uint32_t pid;
	uint64_t start_ns;
	unsigned char *bytes[FAKE_PARTS];
	size_t len[FAKE_PARTS];
	int error[FAKE_PARTS];
	unsigned int again;
	unsigned int grows;
	size_t boast;
};

extern struct fake fakes[FAKE_PROCESSES];
extern size_t n_fakes;

/* The session's socket. */
#define FAKE_COOKIE 0x1a

/** fake_scene() - make the processes of a scene; those before are gone; Return: -1: no such */
int fake_scene(const char *name);

/** fake_fds() - add descriptors to the newest process, all of /dev/null */
void fake_fds(unsigned int n);

/** fake_forget() - no processes */
void fake_forget(void);

#endif /* _SSHOBS_GOLDEN_FAKE_PROCESSES_H */
