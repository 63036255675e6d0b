/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A login is cut into the phases that an SRE reasons in. Pure.
 *
 * Each phase starts where the one before ended, so that they add up to the whole
 * exactly, in ns: from the SYN (else the SYN-ACK, else the end of the handshake,
 * else the accept) to where the login ended: the first prompt; else the exec of the
 * user's command; else, for a login that asked for no program, when the server
 * became the user; else, for one that never got there, the close of its connection,
 * or now.
 *
 * A phase that a login did not have is absent. Where the end of a phase was not
 * seen (a capture of the first version has no wire records, a server may not log),
 * that phase and what follows it up to the next end that was seen are one phase
 * called unknown, which knows what it covers: no time is guessed. A login that
 * ended before its next phase ended is in that phase until then.
 *
 * Sessions that were up before the module, and sessions whose beginning is lost,
 * have no phases: it is not known when they began.
 */
#ifndef _SSHOBS_PHASES_H
#define _SSHOBS_PHASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

/**
 * enum phase_name - a phase of a login
 * @PHASE_HANDSHAKE: from the SYN to the last ACK
 * @PHASE_QUEUE: in the accept queue
 * @PHASE_SPAWN: until the server's version line goes out
 * @PHASE_BANNER: until the client's version line is read
 * @PHASE_KEX: until NEWKEYS went both ways
 * @PHASE_AUTH: until the server logs "Accepted"; without such a line, until the process
 *	that talks to a client which is not trusted ends well, or the server becomes
 *	the user
 * @PHASE_SESSION: until the shell or the command is forked: PAM, logind, MOTD
 * @PHASE_SHELL: until the prompt, or the command's exec
 * @PHASE_UNKNOWN: several of them, whose ends were not seen
 */
enum phase_name {
	PHASE_HANDSHAKE,
	PHASE_QUEUE,
	PHASE_SPAWN,
	PHASE_BANNER,
	PHASE_KEX,
	PHASE_AUTH,
	PHASE_SESSION,
	PHASE_SHELL,
	PHASE_UNKNOWN,
};

#define N_PHASES PHASE_UNKNOWN

/**
 * struct shares - whose time it was; all in ns
 * @cpu_ns: the server, or what it runs, computed
 * @delay_ns: it was ready to, and no processor took it
 * @wait_ns: the server, or what it runs, waited for something of its own
 * @client_ns: the server waited for the client, or for its person
 * @network_ns: the network
 * @unknown_ns: nothing tells
 */
struct shares {
	uint64_t cpu_ns;
	uint64_t delay_ns;
	uint64_t wait_ns;
	uint64_t client_ns;
	uint64_t network_ns;
	uint64_t unknown_ns;
};

/**
 * struct phase - one phase of a login
 * @name: which; no name but PHASE_UNKNOWN occurs twice
 * @first: first phase that it covers: @name, unless that is PHASE_UNKNOWN
 * @last: last phase that it covers
 * @start_ns: CLOCK_MONOTONIC time at which it began
 * @end_ns: when it ended; >= @start_ns
 * @shares: whose time it was; the sum is @end_ns - @start_ns. spans_cut() fills it
 */
struct phase {
	enum phase_name name;
	enum phase_name first;
	enum phase_name last;
	uint64_t start_ns;
	uint64_t end_ns;
	struct shares shares;
};

/* How a login ended. */
enum login_end {
	LOGIN_PROMPT, /* with a prompt */
	LOGIN_COMMAND, /* with the exec of a program that no prompt followed */
	LOGIN_READY, /* the client was let in, and asked for no program */
	LOGIN_FAILED, /* it never got there */
	LOGIN_GOING_ON, /* not yet */
};

/**
 * struct login - a session, up to its prompt
 * @phases: its phases, in order
 * @n: how many; 0: it is not known when it began
 * @start_ns: CLOCK_MONOTONIC time at which it began: @phases[0].start_ns
 * @end_ns: when it ended: that of the last phase
 * @end: how
 * @shell: the process that became the user's shell or command; NULL: none did
 * @last: the process that it ended in: the one at the prompt, else @shell
 */
struct login {
	struct phase phases[N_PHASES];
	size_t n;
	uint64_t start_ns;
	uint64_t end_ns;
	enum login_end end;
	const struct process *shell;
	const struct process *last;
};

/**
 * phases_cut() - cut a session into phases
 * @model: where it belongs to
 * @session: the session, with its processes
 * @login: out: its phases, with no shares yet
 */
void phases_cut(const struct model *model, const struct session *session, struct login *login);

/** phase_name() - "handshake", "queue", ..., "unknown" */
const char *phase_name(enum phase_name name);

/** login_end_name() - "prompt", "command", "ready", "failed", "going on" */
const char *login_end_name(enum login_end end);

/** phase_ns() - how long a phase took */
uint64_t phase_ns(const struct phase *phase);

/**
 * phase_at() - the phase that a moment lies in
 * @login: the login; it has phases
 * @time_ns: CLOCK_MONOTONIC
 *
 * Return: its index in login->phases; a moment between two belongs to the later one.
 */
size_t phase_at(const struct login *login, uint64_t time_ns);

#endif /* _SSHOBS_PHASES_H */
