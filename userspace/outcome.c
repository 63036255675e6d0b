// SPDX-License-Identifier: GPL-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../kmod/text.h"
#include "outcome.h"

/*
 * Each piece of evidence asserts an outcome, or none, and allows some. What all of them
 * allow is possible; if nothing that is asserted is, they disagree. Of what is possible,
 * the outcome is the one that is asserted and comes first in ranks[]: who failed once and
 * then got in has a shell, and who failed and then let the grace time go by has timed out.
 */

#define BIT(kind) (1U << OUTCOME_##kind)
#define ANY	  (~0U)
/* The client got in. */
#define INSIDE	  (BIT(SHELL) | BIT(COMMAND) | BIT(SUBSYSTEM) | BIT(FORWARDING))
/* It did not, and some process of the server had to do with it. */
#define OUTSIDE	  (BIT(AUTH_FAILED) | BIT(GRACE_TIMEOUT) | BIT(DISCONNECTED) | BIT(CRASHED))

static const enum outcome_kind ranks[] = {
	OUTCOME_CRASHED,    OUTCOME_GRACE_TIMEOUT, OUTCOME_REFUSED,
	OUTCOME_SHELL,	    OUTCOME_COMMAND,	   OUTCOME_SUBSYSTEM,
	OUTCOME_FORWARDING, OUTCOME_AUTH_FAILED,   OUTCOME_DISCONNECTED,
};

/* What a piece of evidence asserts, what it allows, and what it is shown with too. */
struct weight {
	uint32_t asserts;
	uint32_t allows;
	uint32_t shows;
};

/* What the evidence has come to until now. @inside: the bit of how the client used it. */
struct weighing {
	const struct session *session;
	const struct evidence *evidence;
	struct outcome *outcome;
	uint32_t inside;
	uint32_t allowed;
	uint32_t asserted;
	bool over;
};

static struct proof *add(struct weighing *w, enum proof_kind kind, struct weight weight)
{
	struct proof *proof = &w->outcome->proofs[w->outcome->n_proofs++];

	memset(proof, 0, sizeof(*proof));
	proof->kind = kind;
	proof->comm = "";
	proof->shows = weight.asserts | weight.shows;
	w->allowed &= weight.allows;
	w->asserted |= weight.asserts;
	return proof;
}

/* The client got in, however it used that. */
static struct weight weight_inside(const struct weighing *w)
{
	return (struct weight){ w->inside, INSIDE | BIT(CRASHED), BIT(AUTHENTICATED) };
}

static void set_process(struct proof *proof, uint32_t pid, const char *comm)
{
	proof->pid = pid;
	proof->comm = comm;
}

#define FAILED_TRY                                                      \
	{                                                               \
		BIT(AUTH_FAILED), INSIDE | OUTSIDE, BIT(AUTHENTICATING) \
	}
#define NO_SUCH_USER                                           \
	{                                                      \
		BIT(AUTH_FAILED), OUTSIDE, BIT(AUTHENTICATING) \
	}
#define LEFT                                                                       \
	{                                                                          \
		BIT(DISCONNECTED), OUTSIDE & ~BIT(GRACE_TIMEOUT), BIT(AUTH_FAILED) \
	}

/* What lines say; those of a client that got in are told apart. */
static const struct weight lines[LOGLINE_KINDS] = {
	[LOGLINE_FAILED] = FAILED_TRY,
	[LOGLINE_PAM_FAILED] = FAILED_TRY,
	[LOGLINE_PAM_MODULE] = FAILED_TRY,
	[LOGLINE_INVALID_USER] = NO_SUCH_USER,
	[LOGLINE_NOT_ALLOWED] = NO_SUCH_USER,
	[LOGLINE_TOO_MANY_FAILURES] = { BIT(AUTH_FAILED), BIT(AUTH_FAILED), 0 },
	[LOGLINE_TIMEOUT] = { BIT(GRACE_TIMEOUT), BIT(GRACE_TIMEOUT), 0 },
	[LOGLINE_CLOSED] = LEFT,
	[LOGLINE_RESET] = LEFT,
	[LOGLINE_DISCONNECTED] = LEFT,
	[LOGLINE_DISCONNECTING] = LEFT,
	[LOGLINE_PROTOCOL] = LEFT,
	[LOGLINE_REFUSED] = { BIT(REFUSED), BIT(REFUSED), 0 },
	[LOGLINE_CRASHED] = { BIT(CRASHED), BIT(CRASHED), 0 },
	[LOGLINE_FATAL] = { BIT(DISCONNECTED), OUTSIDE, BIT(AUTH_FAILED) },
};

static struct weight weight_of_line(const struct weighing *w, enum logline_kind kind)
{
	const struct logged *logged = w->evidence->logged;

	switch (kind) {
	case LOGLINE_ACCEPTED:
		return weight_inside(w);
	case LOGLINE_PAM_MODULE:
		/* sshd has told of the try itself, then. */
		return logged[LOGLINE_PAM_FAILED].count || logged[LOGLINE_FAILED].count ?
			       (struct weight){ 0, ANY, 0 } :
			       lines[kind];
	case LOGLINE_SESSION_OPENED:
		/* Which says no more, if sshd has said it itself. */
		return logged[LOGLINE_ACCEPTED].count ? (struct weight){ 0, ANY, 0 } :
							weight_inside(w);
	case LOGLINE_FATAL:
		return w->evidence->accepted_ns ? (struct weight){ 0, ANY, 0 } : lines[kind];
	default:
		return lines[kind];
	}
}

static void weigh_log(struct weighing *w)
{
	size_t kind;

	for (kind = 0; kind < LOGLINE_KINDS; kind++) {
		const struct logged *logged = &w->evidence->logged[kind];
		struct proof *proof;

		if (!logged->count)
			continue;
		proof = add(w, PROOF_LOG, weight_of_line(w, kind));
		set_process(proof, logged->pid, logged->comm);
		proof->quote = logged->message;
	}
}

/* What was started. The first of them that ran is what the session was for. */
static const struct {
	enum outcome_kind outcome;
	const char *one;
	const char *more;
} programs[RAN_KINDS] = {
	[RAN_SHELL] = { OUTCOME_SHELL, "login shell", "login shells, the first" },
	[RAN_COMMAND] = { OUTCOME_COMMAND, "command", "commands, the first" },
	[RAN_SFTP] = { OUTCOME_SUBSYSTEM, "subsystem sftp", "times subsystem sftp, the first" },
	[RAN_INTERNAL] = { OUTCOME_SUBSYSTEM, "subsystem internal-sftp: a fork without a program",
			   "times subsystem internal-sftp: forks without a program" },
	[RAN_OTHER] = { OUTCOME_UNKNOWN, "program of an unknown kind",
			"programs of an unknown kind, the first" },
	[RAN_UNFORKED] = { OUTCOME_UNKNOWN, "could not fork: nothing was started",
			   "forks failed: nothing was started by them" },
	[RAN_FAILED] = { OUTCOME_UNKNOWN, "could not be executed",
			 "times something could not be executed, the first time" },
};

static bool is_complete(const struct session *session)
{
	return session->born && !session->adopted && !session->missing &&
	       !(session->incomplete &
		 (SSHOBS_INCOMPLETE_TASKS | SSHOBS_INCOMPLETE_MISSED | SSHOBS_INCOMPLETE_DROPPED));
}

/* How the client used it, if it got in; 0 where that is not clear. */
static uint32_t find_inside(const struct weighing *w)
{
	/* A server that gives up has not been asked for nothing. */
	bool nothing = !w->evidence->logged[LOGLINE_FATAL].count;
	size_t kind;

	for (kind = 0; kind < RAN_KINDS; kind++) {
		if (!w->evidence->ran[kind].count)
			continue;
		if (programs[kind].outcome != OUTCOME_UNKNOWN)
			return 1U << programs[kind].outcome;
		nothing = false;
	}
	return nothing && w->over && is_complete(w->session) ? BIT(FORWARDING) : 0;
}

static void weigh_ran(struct weighing *w)
{
	size_t kind;

	for (kind = 0; kind < RAN_KINDS; kind++) {
		const struct ran *ran = &w->evidence->ran[kind];
		struct weight weight;
		struct proof *proof;

		if (!ran->count)
			continue;
		weight = weight_inside(w);
		if (w->inside)
			weight.allows = w->inside | BIT(CRASHED);
		proof = add(w, PROOF_EXEC, weight);
		set_process(proof, ran->pid, ran->comm);
		if (ran->count == 1)
			snprintf(proof->words, sizeof(proof->words), "%s", programs[kind].one);
		else
			snprintf(proof->words, sizeof(proof->words), "%u %s", ran->count,
				 programs[kind].more);
		if (ran->text.len)
			proof->quote = ran->text;
		proof->cut = ran->cut;
	}
}

/* The process that checks the client exits with 0 only once it is satisfied. */
static bool was_convinced(const struct ending *checker)
{
	return checker->over && !checker->signal && !checker->code;
}

/* A sign that the client got in, beside what was started. */
static bool got_in(const struct weighing *w)
{
	return w->evidence->accepted_ns || w->evidence->logged[LOGLINE_SESSION_OPENED].count ||
	       w->session->user == USER_SETTLED || was_convinced(&w->evidence->checker);
}

static void weigh_nothing_ran(struct weighing *w)
{
	struct proof *proof;

	if (w->inside != BIT(FORWARDING) || !got_in(w))
		return;
	proof = add(w, PROOF_EXEC, (struct weight){ BIT(FORWARDING), ANY, 0 });
	snprintf(proof->words, sizeof(proof->words), "no shell, command or subsystem was started");
}

static void put_signal(struct proof *proof, const struct ending *ending)
{
	const char *name = sshobs_signal_name(ending->signal);

	set_process(proof, ending->pid, ending->comm);
	if (name)
		snprintf(proof->words, sizeof(proof->words), "killed by %s", name);
	else
		snprintf(proof->words, sizeof(proof->words), "killed by signal %u", ending->signal);
}

/* What sshd-session of OpenSSH 9.8 and later tells the listener by its exit status. */
static const struct {
	const char *words;
	struct weight weight;
} statuses[] = {
	[3] = { "LoginGraceTime was over", { BIT(GRACE_TIMEOUT), BIT(GRACE_TIMEOUT), 0 } },
	[4] = { "a process of it crashed", { BIT(CRASHED), BIT(CRASHED), 0 } },
	[5] = { "authentication was tried and failed",
		{ BIT(AUTH_FAILED), BIT(AUTH_FAILED) | BIT(CRASHED), 0 } },
	[6] = { "refused by the configuration", { BIT(REFUSED), BIT(REFUSED), 0 } },
	[7] = { "no such user", { BIT(AUTH_FAILED), BIT(AUTH_FAILED) | BIT(CRASHED), 0 } },
};

#define N_STATUSES (sizeof(statuses) / sizeof(statuses[0]))

static void weigh_signal(struct weighing *w, const struct ending *ending)
{
	/* After the login anybody may have ended it, root for one. */
	bool crash = !got_in(w) || evidence_is_crash(ending->signal);
	struct weight weight = { 0, ANY, 0 };

	if (crash)
		weight = (struct weight){ BIT(CRASHED), BIT(CRASHED), 0 };
	put_signal(add(w, PROOF_EXIT, weight), ending);
}

/*
 * OpenSSH 8.5 to 9.7 that is patched against CVE-2024-6387 says nothing when the grace time
 * is over: the server exits with 1 out of its signal handler, after it has sent the process
 * that it may have forked by then a SIGALRM and a SIGTERM. It exits so too when PAM's helper
 * dies, but then that process finds its server gone, and exits with 255.
 */
static bool was_alarmed(const struct weighing *w)
{
	const struct ending *checker = &w->evidence->checker;

	if (w->evidence->program != SERVER_SSHD || w->evidence->server.code != 1 || got_in(w))
		return false;
	if (!is_complete(w->session) || w->evidence->logged[LOGLINE_FATAL].count)
		return false;
	return !checker->over || checker->code == 1 || checker->signal == SIGALRM ||
	       checker->signal == SIGTERM;
}

static void weigh_status(struct weighing *w, const struct ending *server)
{
	struct weight weight = { 0, ANY, 0 };
	const char *words = NULL;
	struct proof *proof;

	bool session = w->evidence->program == SERVER_SSHD_SESSION;

	if (session && server->code < N_STATUSES) {
		words = statuses[server->code].words;
		weight = words ? statuses[server->code].weight : weight;
	} else if (session && server->code == 255 && !got_in(w)) {
		words = "authentication was not tried";
		weight.asserts = BIT(DISCONNECTED);
	} else if (was_alarmed(w)) {
		words = statuses[3].words;
		weight = statuses[3].weight;
	}
	proof = add(w, PROOF_EXIT, weight);
	set_process(proof, server->pid, server->comm);
	snprintf(proof->words, sizeof(proof->words), "exit status %u%s%s", server->code,
		 words ? ": " : "", words ?: "");
}

/* The process that serves the connection. */
static void weigh_server(struct weighing *w)
{
	const struct ending *server = &w->evidence->server;

	if (server->over && server->signal)
		weigh_signal(w, server);
	else if (server->over)
		weigh_status(w, server);
}

/* The process that talks to a client as long as that is not trusted. */
static void weigh_checker(struct weighing *w)
{
	const struct ending *checker = &w->evidence->checker;
	struct proof *proof;

	if (evidence_is_crash(checker->signal)) {
		weigh_signal(w, checker);
	} else if (was_convinced(checker)) {
		proof = add(w, PROOF_EXIT, weight_inside(w));
		set_process(proof, checker->pid, checker->comm);
		snprintf(proof->words, sizeof(proof->words), "exit status 0: authenticated");
	}
}

static void weigh_cred(struct weighing *w)
{
	struct proof *proof;

	if (w->session->user != USER_SETTLED || w->evidence->accepted_ns)
		return;
	proof = add(w, PROOF_CRED, weight_inside(w));
	snprintf(proof->words, sizeof(proof->words), "a process became user %u for good",
		 w->session->uid);
}

/* Before both sides have sent NEWKEYS, nobody can be authenticated. */
static const struct weight unauthenticated = { BIT(DISCONNECTED),
					       (OUTSIDE | BIT(REFUSED)) & ~BIT(AUTH_FAILED), 0 };

/* How far the client got; NULL where that is not sure, or is all the way. */
static const char *how_far(const struct session *session)
{
	const struct side *client;

	if (!session->negotiation || !is_complete(session) ||
	    (session->incomplete & SSHOBS_INCOMPLETE_WIRE))
		return NULL;
	client = &session->negotiation->sides[SSHOBS_WIRE_IN];
	if (client->newkeys_seen.time_ns || (client->faults & (SIDE_MISSING | SIDE_CUT)))
		return NULL;
	if (client->faults & SIDE_FOREIGN)
		return "the client does not speak SSH";
	if (client->kexinit_seen.time_ns)
		return "the client sent its KEXINIT, and no NEWKEYS";
	if (client->version.len)
		return "the client sent its version, and no KEXINIT";
	return client->opening.total ? "the client sent no version of SSH" : NULL;
}

static void weigh_wire(struct weighing *w)
{
	const char *words = how_far(w->session);
	struct proof *proof;

	if (!w->over || !words)
		return;
	proof = add(w, PROOF_WIRE, unauthenticated);
	snprintf(proof->words, sizeof(proof->words), "%s", words);
}

/* How the connection ended says why a login did only if the client never spoke. */
static void weigh_close(struct weighing *w)
{
	const struct sshobs_close *close = &w->session->close;
	const char *how = close->flags & SSHOBS_CLOSE_RESET ? "reset" : "closed";
	struct proof *proof;

	if (!w->session->closed)
		return;
	if (!close->bytes_received) {
		proof = add(w, PROOF_CLOSE, unauthenticated);
		snprintf(proof->words, sizeof(proof->words), "%s, and the client sent nothing",
			 how);
		return;
	}
	proof = add(w, PROOF_CLOSE, (struct weight){ 0, ANY, BIT(DISCONNECTED) });
	snprintf(proof->words, sizeof(proof->words), "%s after %llu bytes from the client", how,
		 (unsigned long long)close->bytes_received);
}

static void weigh_end(struct weighing *w)
{
	struct weight weight = { 0, ANY, 0 };
	struct proof *proof;

	if (w->session->state != SESSION_REFUSED)
		return;
	if (is_complete(w->session))
		weight = (struct weight){ BIT(REFUSED), BIT(REFUSED), 0 };
	proof = add(w, PROOF_END, weight);
	snprintf(proof->words, sizeof(proof->words), "no process took the connection");
}

static enum outcome_kind conclude(const struct weighing *w)
{
	uint32_t possible = w->asserted & w->allowed;
	size_t i;

	for (i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++)
		if (possible >> ranks[i] & 1)
			return ranks[i];
	return OUTCOME_UNKNOWN;
}

/* Of a session that is up: what it is used for, or how far the client has come. */
static enum outcome_kind conclude_up(const struct weighing *w)
{
	if (w->inside && (w->asserted & w->inside))
		return conclude(w);
	if (got_in(w))
		return OUTCOME_AUTHENTICATED;
	return is_complete(w->session) ? OUTCOME_AUTHENTICATING : OUTCOME_UNKNOWN;
}

/* Leave out what speaks for nothing or for something else that has been. */
static void drop_others(struct outcome *outcome)
{
	size_t i, n = 0;

	if (outcome->kind == OUTCOME_UNKNOWN)
		return;
	for (i = 0; i < outcome->n_proofs; i++)
		if (outcome->proofs[i].shows >> outcome->kind & 1)
			outcome->proofs[n++] = outcome->proofs[i];
	outcome->n_proofs = n;
}

void outcome_find(const struct session *session, struct outcome *outcome)
{
	struct weighing w = {
		.session = session,
		.evidence = &session->evidence,
		.outcome = outcome,
		.allowed = ANY,
		.over = session->ended || session->closed,
	};

	outcome->n_proofs = 0;
	w.inside = find_inside(&w);
	weigh_log(&w);
	weigh_ran(&w);
	weigh_nothing_ran(&w);
	weigh_server(&w);
	weigh_checker(&w);
	weigh_cred(&w);
	weigh_wire(&w);
	weigh_close(&w);
	weigh_end(&w);
	outcome->disagree = w.asserted && !(w.asserted & w.allowed);
	outcome->kind = w.over || outcome->disagree ? conclude(&w) : conclude_up(&w);
	outcome->subsystem = outcome->kind == OUTCOME_SUBSYSTEM ? "sftp" : NULL;
	drop_others(outcome);
}

const char *outcome_name(enum outcome_kind kind)
{
	static const char *const names[] = {
		[OUTCOME_UNKNOWN] = "unknown",
		[OUTCOME_AUTHENTICATING] = "authenticating",
		[OUTCOME_AUTHENTICATED] = "authenticated",
		[OUTCOME_SHELL] = "shell",
		[OUTCOME_COMMAND] = "command",
		[OUTCOME_SUBSYSTEM] = "subsystem",
		[OUTCOME_FORWARDING] = "forwarding",
		[OUTCOME_AUTH_FAILED] = "auth-failed",
		[OUTCOME_REFUSED] = "refused",
		[OUTCOME_GRACE_TIMEOUT] = "grace-timeout",
		[OUTCOME_DISCONNECTED] = "disconnected",
		[OUTCOME_CRASHED] = "crashed",
	};

	return names[kind];
}

const char *outcome_proof_name(enum proof_kind kind)
{
	static const char *const names[] = {
		[PROOF_LOG] = "log",   [PROOF_EXEC] = "exec", [PROOF_EXIT] = "exit",
		[PROOF_CRED] = "cred", [PROOF_WIRE] = "wire", [PROOF_CLOSE] = "close",
		[PROOF_END] = "end",
	};

	return names[kind];
}
