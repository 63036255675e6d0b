/* SPDX-License-Identifier: GPL-2.0 */
/*
 * TCP connections that members are making: by which socket, whereto, who, since when.
 * How one of them ends is found out on the network, which knows neither task nor
 * session. Bounded, as a whole and for each session. Knows no records.
 */
#ifndef _SSHOBS_CONNECTING_H
#define _SSHOBS_CONNECTING_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "../uapi/sshobs.h"

struct sock;
struct sshobs_session;
struct task_struct;

/**
 * struct sshobs_connecting - a connection that is being made
 * @by_sock: in the table, until it is taken
 * @sock: its socket: a key, never followed
 * @session: of the member that makes it; held
 * @task: the member's thread; a reference
 * @peer: whereto
 * @begin_ns: CLOCK_MONOTONIC time at which it began
 */
struct sshobs_connecting {
	struct hlist_node	by_sock;
	const struct sock	*sock;
	struct sshobs_session	*session;
	struct task_struct	*task;
	struct sshobs_endpoint	peer;
	u64			begin_ns;
};

/* For the function below alone. */
extern atomic_t sshobs_connecting_count;

/**
 * sshobs_connecting_any() - is any connection being made? What the whole host pays
 *
 * Context: any.
 */
static inline bool sshobs_connecting_any(void)
{
	return atomic_read(&sshobs_connecting_count);
}

/**
 * sshobs_connecting_init() - make the table
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int sshobs_connecting_init(void);

/**
 * sshobs_connecting_exit() - free everything; no probe is left that could call in
 *
 * Context: may sleep; before sshobs_session_exit().
 */
void sshobs_connecting_exit(void);

/**
 * sshobs_connecting_add() - current begins to make a connection
 * @session: the session that current is a member of
 * @sock: its socket, which is not in the table
 * @peer: whereto
 * @begin_ns: CLOCK_MONOTONIC
 *
 * Context: preemption off. Return: false at a bound or without memory.
 */
bool sshobs_connecting_add(struct sshobs_session *session, const struct sock *sock,
			   const struct sshobs_endpoint *peer, u64 begin_ns);

/**
 * sshobs_connecting_take() - the connection is made, or will not be
 * @sock: any socket; it is only compared
 *
 * Context: any but NMI. Return: its entry, once, which the caller gives to
 * sshobs_connecting_free(); or NULL.
 */
struct sshobs_connecting *sshobs_connecting_take(const struct sock *sock);

/**
 * sshobs_connecting_free() - drop an entry, and what it holds
 * @entry: what sshobs_connecting_take() returned
 *
 * Context: preemption off, not in an interrupt's handler; may end the session.
 */
void sshobs_connecting_free(struct sshobs_connecting *entry);

#endif /* _SSHOBS_CONNECTING_H */
