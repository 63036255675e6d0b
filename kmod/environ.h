/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The environment that a program was given, kept for as long as it runs: sshd writes its
 * title over it, so that nobody can read it there. It never goes into the stream, since it
 * may hold secrets: SSHOBS_IOC_SNAPSHOT alone tells it.
 */
#ifndef _SSHOBS_ENVIRON_H
#define _SSHOBS_ENVIRON_H

#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/types.h>

/**
 * struct sshobs_environ - the environment as it was given at exec
 * @users: processes that were given it: who exec'd, and its children; and readers
 * @cut: there was more than SSHOBS_ENVIRON_MAX
 * @len: bytes of @data
 * @size: bytes that this takes, which count against the bound
 * @rcu: for kfree_rcu()
 * @data: the variables, a NUL after each
 */
struct sshobs_environ {
	refcount_t	users;
	bool		cut;
	u32		len;
	u32		size;
	struct rcu_head	rcu;
	char		data[];
};

/**
 * sshobs_environ_new() - keep what current's program was just given
 *
 * At most 16 MiB are taken for all programs together.
 *
 * Context: preemption off, in the new program's memory, before it runs.
 * Return: it, with one user; NULL: at the bound, without memory, or not readable without
 * waiting for the disk.
 */
struct sshobs_environ *sshobs_environ_new(void);

/**
 * sshobs_environ_get() - become a user
 * @given: an environment that RCU keeps, or NULL
 *
 * Context: RCU read lock, or preemption off. Return: it; NULL: it had no user any more.
 */
struct sshobs_environ *sshobs_environ_get(struct sshobs_environ *given);

/**
 * sshobs_environ_put() - be no user any more
 * @given: an environment, or NULL
 *
 * Context: any.
 */
void sshobs_environ_put(struct sshobs_environ *given);

#endif /* _SSHOBS_ENVIRON_H */
