/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a session went, and what tells so. Pure: it concludes from what the model
 * holds. Where two things that tell it disagree, it is unknown.
 */
#ifndef _SSHOBS_OUTCOME_H
#define _SSHOBS_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"

/**
 * enum outcome_kind - how it went, or how it stands
 * @OUTCOME_UNKNOWN: nothing tells it, or what does disagrees
 * @OUTCOME_AUTHENTICATING: it is up, and nobody is authenticated yet
 * @OUTCOME_AUTHENTICATED: it is up, and the client has asked for nothing yet
 * @OUTCOME_SHELL: a login shell, maybe with commands and subsystems beside it
 * @OUTCOME_COMMAND: a command, and no shell
 * @OUTCOME_SUBSYSTEM: a subsystem, and neither shell nor command
 * @OUTCOME_FORWARDING: authenticated, and none of the three, as ssh -N does it
 * @OUTCOME_AUTH_FAILED: authentication was tried and failed
 * @OUTCOME_REFUSED: the server refused the connection before authentication
 * @OUTCOME_GRACE_TIMEOUT: LoginGraceTime was over before authentication was
 * @OUTCOME_DISCONNECTED: the connection ended before authentication was over
 * @OUTCOME_CRASHED: the server crashed
 */
enum outcome_kind {
	OUTCOME_UNKNOWN,
	OUTCOME_AUTHENTICATING,
	OUTCOME_AUTHENTICATED,
	OUTCOME_SHELL,
	OUTCOME_COMMAND,
	OUTCOME_SUBSYSTEM,
	OUTCOME_FORWARDING,
	OUTCOME_AUTH_FAILED,
	OUTCOME_REFUSED,
	OUTCOME_GRACE_TIMEOUT,
	OUTCOME_DISCONNECTED,
	OUTCOME_CRASHED,
};

/**
 * enum proof_kind - where a piece of evidence comes from
 * @PROOF_LOG: a line of the server's log
 * @PROOF_EXEC: what the server started
 * @PROOF_EXIT: how a process of the server ended
 * @PROOF_CRED: a change of credentials
 * @PROOF_WIRE: the clear text of the connection
 * @PROOF_CLOSE: what the connection carried
 * @PROOF_END: how the session ended
 */
enum proof_kind {
	PROOF_LOG,
	PROOF_EXEC,
	PROOF_EXIT,
	PROOF_CRED,
	PROOF_WIRE,
	PROOF_CLOSE,
	PROOF_END,
};

/* Every kind of line and program, and one of each of the others twice at most. */
#define PROOFS_MAX (LOGLINE_KINDS + RAN_KINDS + 8)

/**
 * struct proof - one piece of evidence
 * @kind: where it comes from
 * @pid: process that it is about; 0: none
 * @comm: its name, which its user can set: escape it
 * @words: what it is, in words; may be empty
 * @quote: what was written or run, to be escaped; part of the session. Not after every
 *	@words
 * @cut: @quote is not all of it
 * @shows: outcomes that it is shown with, a bit each
 */
struct proof {
	enum proof_kind kind;
	uint32_t pid;
	const char *comm;
	char words[80];
	struct bytes quote;
	bool cut;
	uint32_t shows;
};

/**
 * struct outcome - how a session went
 * @kind: how
 * @subsystem: of OUTCOME_SUBSYSTEM: which one; else NULL
 * @disagree: OUTCOME_UNKNOWN because the evidence disagrees
 * @proofs: the evidence for it; of OUTCOME_UNKNOWN, all there is
 * @n_proofs: how many
 */
struct outcome {
	enum outcome_kind kind;
	const char *subsystem;
	bool disagree;
	struct proof proofs[PROOFS_MAX];
	size_t n_proofs;
};

/**
 * outcome_find() - conclude how a session went
 * @session: the session; must stay as it is while @outcome is in use
 * @outcome: out: the outcome
 */
void outcome_find(const struct session *session, struct outcome *outcome);

/** outcome_name() - "shell", "auth-failed", ...: the same in text and JSON */
const char *outcome_name(enum outcome_kind kind);

/** outcome_proof_name() - "log", "exec", "exit", ... */
const char *outcome_proof_name(enum proof_kind kind);

#endif /* _SSHOBS_OUTCOME_H */
