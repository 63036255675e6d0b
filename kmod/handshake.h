/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When the SYN of a connection came, for the moment in which the connection is
 * accepted.
 *
 * A table of fixed size: strangers on the network write into it before anybody has
 * agreed to talk to them, so they can neither make it grow nor do more harm than
 * to overwrite what it knows. What was overwritten is unknown, never wrong: an entry
 * is known by a keyed hash of the connection and by the client's initial sequence
 * number.
 */
#ifndef _SSHOBS_HANDSHAKE_H
#define _SSHOBS_HANDSHAKE_H

#include <linux/types.h>

#include "../uapi/sshobs.h"

struct net;

/**
 * sshobs_handshake_init() - make the table
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int sshobs_handshake_init(void);

/**
 * sshobs_handshake_exit() - free the table; no probe is left that could call in
 *
 * Context: may sleep.
 */
void sshobs_handshake_exit(void);

/**
 * sshobs_handshake_syn() - a SYN came
 * @net: the network namespace; only compared
 * @rec: what it is told with
 * @time_ns: now, CLOCK_MONOTONIC
 *
 * The first of several SYNs with one sequence number is the one that counts. A new
 * one takes the place of the oldest in its row.
 *
 * Context: any but NMI; takes the row's raw lock with interrupts off.
 */
void sshobs_handshake_syn(const struct net *net, const struct sshobs_syn *rec, u64 time_ns);

/**
 * sshobs_handshake_take() - the connection was accepted: what is known of its SYN?
 * @net: the network namespace
 * @rec: peer, local and peer_isn are set; out: syn_ns, syns and what became of them, where
 *	that is known
 *
 * The entry is free again.
 *
 * Context: as for sshobs_handshake_syn().
 */
void sshobs_handshake_take(const struct net *net, struct sshobs_established *rec);

#endif /* _SSHOBS_HANDSHAKE_H */
