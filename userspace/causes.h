/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The setting or the service that is likely behind a wait. Pure.
 */
#ifndef _SSHOBS_CAUSES_H
#define _SSHOBS_CAUSES_H

#include "spans.h"

/* Where the scripts are that make the message of the day. */
#define MOTD_FOLDER "/etc/update-motd.d/"

/** program_is_motd() - whether a program is a script of update-motd.d */
bool program_is_motd(const struct program *program);

/**
 * cause_of_connect() - what is likely behind waiting for an address or a path
 * @event: the connect
 * @phase: the phase that it happened in
 * @server: a process of the server made it, not a program
 *
 * Return: a few words, or NULL if nothing is known of it.
 */
const char *cause_of_connect(const struct event *event, enum phase_name phase, bool server);

/**
 * cause_of_program() - which setting had the server run a program
 * @top: the process that the server made, with its programs
 * @phase: the phase that it ran in
 *
 * Return: a few words, or NULL if nothing is known of it.
 */
const char *cause_of_program(const struct process *top, enum phase_name phase);

/** cause_of_shell() - the files that a shell reads as it starts, or NULL */
const char *cause_of_shell(const struct process *shell);

#endif /* _SSHOBS_CAUSES_H */
