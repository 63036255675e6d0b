/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Puts what processes used into the spans of a login. Pure.
 */
#ifndef _SSHOBS_SPANS_FILL_H
#define _SSHOBS_SPANS_FILL_H

#include "spans.h"

/**
 * spans_fill() - find what each process did, and what each span was filled with
 * @replay: the events
 * @login: the login
 * @spans: its spans are there; their cpu_ns and delay_ns, and the slices, are filled
 *
 * An event tells how much CPU time its process has consumed since the event before, and
 * for how long no processor took it, not when. Both are put as late as they fit: first
 * into the spans that the process explains, then, of one of the server's, into those that
 * another one of them explains, and last into those in which the server seemed to wait for
 * the client. CPU time goes before.
 *
 * Return: 0 or -ENOMEM.
 */
int spans_fill(const struct replay *replay, const struct login *login, struct spans *spans);

#endif /* _SSHOBS_SPANS_FILL_H */
