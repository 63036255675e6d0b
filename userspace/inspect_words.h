/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of ps, ss and prlimit for what a snapshot holds. What a user controls is
 * escaped by words_*(); the names come from tables.
 */
#ifndef _SSHOBS_INSPECT_WORDS_H
#define _SSHOBS_INSPECT_WORDS_H

#include <stdio.h>

#include "snapshot.h"

/** words_process() - "bash[1031]" */
void words_process(FILE *out, const struct sshobs_task_info *task);

/** words_user() - "alice(1000)", as id(1) has it; the number alone where there is no name */
void words_user(FILE *out, uint32_t uid, bool local);

/** words_argv() - the command line, or the title that stands in its place, as ps(1) has it */
void words_argv(FILE *out, const struct snapshot *snapshot);

/** words_state() - the state of a socket, as ss(8) has it, or its number */
void words_state(FILE *out, unsigned int state);

/** words_flags() - "nonblock,cloexec": the O_* that are set, without the access mode */
void words_flags(FILE *out, uint32_t flags);

/** words_unix_name() - a name of AF_UNIX; an abstract one begins with "@", as ss(8) has it */
void words_unix_name(FILE *out, const struct blob *name);

/** name_of_state() - "ESTAB", or NULL */
const char *name_of_state(unsigned int state);

/** name_of_kind() - enum sshobs_fd_kind as JSON has it, or NULL */
const char *name_of_kind(unsigned int kind);

/** name_of_family() - "unix", "inet", ..., or NULL */
const char *name_of_family(unsigned int family);

/** name_of_type() - "stream", "dgram", ..., or NULL */
const char *name_of_type(unsigned int type);

/** name_of_protocol() - "tcp", "udp", ... of AF_INET and AF_INET6, or NULL */
const char *name_of_protocol(unsigned int protocol);

/** name_of_access() - "r", "w", "rw"; "-" for O_PATH */
const char *name_of_access(uint32_t flags);

/** name_of_limit() - "NOFILE", as prlimit(1) has it; below SSHOBS_LIMITS */
const char *name_of_limit(unsigned int limit);

/** unit_of_limit() - "bytes", "s", ... */
const char *unit_of_limit(unsigned int limit);

/** name_of_task_state() - "sleeping" for 'S', as /proc/PID/status has it, or NULL */
const char *name_of_task_state(char state);

/**
 * next_string() - take the next of strings that stand one after the other, each with a NUL
 * @rest: what is left of them; the string is taken off
 * @string: out: it
 *
 * Return: false when there is none.
 */
bool next_string(struct blob *rest, struct blob *string);

/**
 * environ_is_gone() - whether something else stands where an environment was
 * @environ: it as it is now
 *
 * sshd writes its title over it, and fills what is left with NUL.
 *
 * Return: true if there are bytes, and no variable in them.
 */
bool environ_is_gone(const struct blob *environ);

#endif /* _SSHOBS_INSPECT_WORDS_H */
