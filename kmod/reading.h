/* SPDX-License-Identifier: GPL-2.0 */
/*
 * At a prompt: what each process of the session is just then. Read a moment later by a
 * worker, since the place where a prompt is seen may not wait for a lock of a task.
 */
#ifndef _SSHOBS_READING_H
#define _SSHOBS_READING_H

#include <linux/types.h>

struct sshobs_session;

/**
 * sshobs_reading_init() - make the worker
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int sshobs_reading_init(void);

/**
 * sshobs_reading_exit() - finish what was asked for; nobody asks any more
 *
 * Context: may sleep.
 */
void sshobs_reading_exit(void);

/**
 * sshobs_reading_ask() - have the processes of a session read
 * @session: the session, that current is a member of
 * @pts: the terminal that it came to a prompt on
 *
 * At most 4 of a session, and 1024 of all, may be under way; one beyond that, or without
 * memory, marks the session.
 *
 * Context: process context, preemption off.
 */
void sshobs_reading_ask(struct sshobs_session *session, u32 pts);

#endif /* _SSHOBS_READING_H */
