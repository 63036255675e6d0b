/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts the CPU time of processes into the spans of a login. Pure.
 */
#ifndef _SSHOBS_SPANS_CPU_H
#define _SSHOBS_SPANS_CPU_H

#include "replay.h"
#include "spans.h"

/**
 * spans_share_cpu() - find what each process did, and how much of each span was CPU
 * @replay: the events
 * @login: the login
 * @spans: its spans are there; their cpu_ns and the slices are filled
 *
 * An event tells how much CPU time its process has consumed since the event before, not
 * when. It is put as late as it fits: first into the spans that the process explains,
 * then, of one of the server's, into those that another one of them explains, and last
 * into those in which the server seemed to wait for the client.
 *
 * Return: 0 or -ENOMEM.
 */
int spans_share_cpu(const struct replay *replay, const struct login *login, struct spans *spans);

#endif /* _SSHOBS_SPANS_CPU_H */
