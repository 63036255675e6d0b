/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A login is cut into spans, each of which one process explains. Pure.
 *
 * Between two events of a session nothing is seen to happen. Such a gap is explained by
 * the deepest process that the login waited for: a parent that only waits for a child
 * is not it, nor is a process in the background. Where only processes of the server
 * are alive, it is the one that acts next. What that process did in the gap follows from
 * the CPU time that it consumed, from what it did last (it connected to somebody, it
 * acts as the user), and, in clear text, from whose packet was due. Waiting that none
 * of this explains is the client's while the client is to prove who it is, the server's
 * where the server needs nothing of the client, and else unknown.
 *
 * The spans of a login follow each other without a gap: they add up to its phases.
 */
#ifndef _SSHOBS_SPANS_H
#define _SSHOBS_SPANS_H

#include "phases.h"
#include "replay.h"

enum whose {
	WHOSE_SERVER,
	WHOSE_CLIENT,
	WHOSE_NETWORK,
	WHOSE_UNKNOWN,
};

/**
 * enum why - what is known of the waiting in a span
 * @WHY_NOTHING: nothing
 * @WHY_CONNECTED: it came after the process had connected to @event
 * @WHY_CONNECTING: it was inside the connect of @event, or that was still being made
 * @WHY_AS_USER: a process of the server acted as the user: it read the user's files
 * @WHY_REFUSED: after PAM had refused a try: its delay
 * @WHY_FAILED: after the server had logged a failed try: its delay, then the client
 * @WHY_DUE: a packet of the client was there, and the server's answer was due
 * @WHY_QUEUED: the connection was in the accept queue
 * @WHY_DROPPED: the accept queue was full: the kernel dropped the SYN
 */
enum why {
	WHY_NOTHING,
	WHY_CONNECTED,
	WHY_CONNECTING,
	WHY_AS_USER,
	WHY_REFUSED,
	WHY_FAILED,
	WHY_DUE,
	WHY_QUEUED,
	WHY_DROPPED,
};

/**
 * struct span - a piece of a login that one process explains
 * @start_ns: CLOCK_MONOTONIC time at which it begins
 * @end_ns: when it ends; > @start_ns
 * @cpu_ns: of that, CPU time of @process, or of several processes of the server
 * @delay_ns: of that, time in which they were ready to run, and no processor took them;
 *	the rest is waiting
 * @phase: index in login->phases
 * @whose: whose time the waiting was
 * @why: what is known of it
 * @process: the process; NULL: the task that accepted, or nobody
 * @event: the connect for WHY_CONNECTED and WHY_CONNECTING, else NULL
 */
struct span {
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t cpu_ns;
	uint64_t delay_ns;
	size_t phase;
	enum whose whose;
	enum why why;
	const struct process *process;
	const struct event *event;
};

/**
 * struct slice - what a process did between two of its events
 * @process: the process
 * @start_ns: CLOCK_MONOTONIC
 * @end_ns: >= @start_ns
 * @used: what all its threads used; with more than one, it may be longer than the slice
 */
struct slice {
	const struct process *process;
	uint64_t start_ns;
	uint64_t end_ns;
	struct usage used;
};

/**
 * struct spans - how a login was spent
 * @spans: in order; from login->start_ns to login->end_ns
 * @n: how many
 * @slices: of all processes, by @end_ns; they end with the login
 * @n_slices: how many
 */
struct spans {
	struct span *spans;
	size_t n;
	struct slice *slices;
	size_t n_slices;
};

/**
 * spans_cut() - find who explains what of a login
 * @session: the session, with its events kept
 * @login: its phases; their shares are filled
 * @spans: out: spans_free() it
 *
 * Return: 0 or -ENOMEM.
 */
int spans_cut(const struct session *session, struct login *login, struct spans *spans);

/** connect_is_same() - whether two connects were to the same peer; NULL is none */
bool connect_is_same(const struct event *a, const struct event *b);

/**
 * session_let_in_by() - whether the client was let in by a method
 * @session: the session
 * @method: how its name begins: "publickey"
 *
 * Return: whether the server's log says so.
 */
bool session_let_in_by(const struct session *session, const char *method);

/** span_rest() - what of a span was neither CPU time nor waiting for a processor */
uint64_t span_rest(const struct span *span);

/** spans_free() - free what spans_cut() made */
void spans_free(struct spans *spans);

#endif /* _SSHOBS_SPANS_H */
