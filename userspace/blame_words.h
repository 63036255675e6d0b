/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Culprits in human words. What is printed is safe for a terminal.
 */
#ifndef _SSHOBS_BLAME_WORDS_H
#define _SSHOBS_BLAME_WORDS_H

#include <stdio.h>

#include "blame.h"

/**
 * blame_put_name() - print who it is: "MOTD script /etc/...", "sshd[1022]", "the client"
 * @out: where to
 * @blame: the culprit
 * @session: the session
 * @pid: with the number of the process, if it has one
 */
void blame_put_name(FILE *out, const struct blame *blame, const struct session *session, bool pid);

/** blame_put_peer() - print what a connect was to: "/run/dbus/...", "192.0.2.1:53" */
void blame_put_peer(FILE *out, const struct event *connect);

/** blame_put() - print the whole sentence: "8.0 s in session: sshd[1022] waited 8.0 s, ..." */
void blame_put(FILE *out, const struct blame *blame, const struct session *session);

#endif /* _SSHOBS_BLAME_WORDS_H */
