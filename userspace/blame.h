/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who a login waited for, and who computed: the longest first. Pure.
 *
 * The spans of a login are put together by their phase and by what a person would call
 * the culprit: a script of update-motd.d, the program that the server ran, the shell with
 * all that its start files run, a process of the server with what it waited for, or the
 * client. The sum of all is the whole login.
 */
#ifndef _SSHOBS_BLAME_H
#define _SSHOBS_BLAME_H

#include <stdio.h>

#include "spans.h"

/**
 * struct blame - one culprit in one phase
 * @phase: the phase
 * @whose: whose time it was
 * @why: what is known of the waiting
 * @process: the culprit: a process that the server made, a script of update-motd.d, or
 *	one of the server's own; the first of them if the same program ran more than once;
 *	NULL: the task that accepted, or the network
 * @top: the process that the server made, above @process or @process itself; NULL: it is
 *	one of the server's own
 * @runs: how many processes ran the program; 1 for one of the server's own
 * @deepest: a process below @process, of the name that took the longest; NULL: none did
 * @deepest_ns: how long all of that name took
 * @deepest_n: how many of that name there were
 * @connect: what the longest wait in it followed; NULL: nothing known
 * @connect_ns: how long that was
 * @start_ns: CLOCK_MONOTONIC time at which it began
 * @wall_ns: how long it took in all
 * @cpu_ns: of that, CPU time
 * @delay_ns: of that, time in which no processor took it
 * @cause: the setting that is likely behind it; NULL: not known
 * @newest: the process that it was last
 */
struct blame {
	const struct phase *phase;
	enum whose whose;
	enum why why;
	const struct process *process;
	const struct process *top;
	size_t runs;
	const struct process *deepest;
	uint64_t deepest_ns;
	size_t deepest_n;
	const struct event *connect;
	uint64_t connect_ns;
	uint64_t start_ns;
	uint64_t wall_ns;
	uint64_t cpu_ns;
	uint64_t delay_ns;
	const char *cause;
	const struct process *newest;
};

/**
 * struct blames - all culprits of a login
 * @blames: the longest first
 * @n: how many
 */
struct blames {
	struct blame *blames;
	size_t n;
};

/**
 * blame_rank() - put the spans of a login together
 * @session: the session
 * @login: its phases
 * @spans: its spans
 * @blames: out: free() @blames->blames
 *
 * Return: 0 or -ENOMEM.
 */
int blame_rank(const struct session *session, const struct login *login, const struct spans *spans,
	       struct blames *blames);

/** blame_is_motd() - whether the culprit is a script of update-motd.d */
bool blame_is_motd(const struct blame *blame);

/** blame_wait() - how long the culprit waited for something else than a processor */
uint64_t blame_wait(const struct blame *blame);

/**
 * blame_is_starved() - whether it was mostly the lack of a processor
 * @blame: the culprit
 *
 * Where the stream does not tell how long a thread waited for one, it is so if a packet
 * of the client was there and the server neither computed nor waited for anybody.
 */
bool blame_is_starved(const struct blame *blame);

/**
 * blame_program() - the program that names the culprit
 * @blame: the culprit
 *
 * Return: its program, or NULL: it is known by its name alone.
 */
const struct program *blame_program(const struct blame *blame);

#endif /* _SSHOBS_BLAME_H */
