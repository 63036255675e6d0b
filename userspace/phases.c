// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "phases.h"

const char *phase_name(enum phase_name name)
{
	static const char *const names[] = {
		[PHASE_HANDSHAKE] = "handshake",
		[PHASE_QUEUE] = "queue",
		[PHASE_SPAWN] = "spawn",
		[PHASE_BANNER] = "banner",
		[PHASE_KEX] = "kex",
		[PHASE_AUTH] = "auth",
		[PHASE_SESSION] = "session",
		[PHASE_SHELL] = "shell",
		[PHASE_UNKNOWN] = "unknown",
	};

	return names[name];
}

const char *login_end_name(enum login_end end)
{
	static const char *const names[] = {
		[LOGIN_PROMPT] = "prompt", [LOGIN_COMMAND] = "command",	  [LOGIN_READY] = "ready",
		[LOGIN_FAILED] = "failed", [LOGIN_GOING_ON] = "going on",
	};

	return names[end];
}

uint64_t phase_ns(const struct phase *phase)
{
	return phase->end_ns - phase->start_ns;
}

size_t phase_at(const struct login *login, uint64_t time_ns)
{
	size_t i = 0;

	while (i + 1 < login->n && login->phases[i].end_ns <= time_ns)
		i++;
	return i;
}

static bool is_ancestor(const struct process *ancestor, const struct process *process)
{
	while (process && process != ancestor)
		process = process->parent;
	return process;
}

/*
 * The arguments of what a server starts for its user: a login shell's name begins with
 * a dash, and a command is given to the shell by its bare name. Root's PAM modules start
 * programs too, by their path.
 */
static bool looks_like_shell(const struct program *program)
{
	const char *argv = (const char *)program->argv;
	size_t len = strnlen(argv, program->argv_len);

	if (program->argv_len > 0 && argv[0] == '-')
		return true;
	if (memchr(argv, '/', len) || len + 3 > program->argv_len)
		return false;
	return strncmp(argv + len + 1, "-c", 2) == 0;
}

/* The exec by which a process becomes the user's program, or NULL. */
static const struct program *user_exec(const struct process *process, uint32_t uid)
{
	size_t i;

	for (i = 0; i < process->n_execs; i++) {
		const struct program *program = &process->execs[i];

		if (program->uid == uid && (uid || program->tty[0] || looks_like_shell(program)))
			return program;
	}
	return NULL;
}

/*
 * The process that became the user's shell or command: the first to become a program as
 * the user, once the client was let in. What PAM and sshd run beside it (update-motd.d,
 * xauth, ~/.ssh/rc) they spawn by vfork, and their helpers before run as others.
 */
static const struct process *find_shell(const struct session *session, uint64_t let_in_ns,
					const struct program **exec)
{
	const struct process *process, *found = NULL;
	uint32_t uid;

	*exec = NULL;
	if (!model_user(session, &uid))
		return NULL;
	for (process = session->processes; process; process = process->next) {
		const struct program *program = user_exec(process, uid);

		if (!program || !process->parent || process->vforked)
			continue;
		if (program->time_ns < let_in_ns)
			continue;
		if (*exec && (*exec)->time_ns <= program->time_ns)
			continue;
		found = process;
		*exec = program;
	}
	return found;
}

static const struct process *prompt_process(const struct session *session)
{
	const struct process *process, *found = NULL;

	if (!session->prompt_ns)
		return NULL;
	for (process = session->processes; process; process = process->next)
		if (process->pid == session->prompt_pid && process->start_ns <= session->prompt_ns)
			found = process;
	return found;
}

/* When the client was let in; 0: never, or nothing tells. */
static uint64_t let_in(const struct session *session)
{
	const struct milestones *at = &session->milestones;

	return session->evidence.accepted_ns ?: at->preauth_ns ?: at->dropped_ns;
}

static uint64_t last_moment(const struct model *model, const struct session *session)
{
	uint64_t closed = session->milestones.closed_ns;
	uint64_t end = model_ends_ns(model, session);

	return closed && closed < end ? closed : end;
}

/* How it ended, when, and in which process. */
static void find_end(const struct model *model, const struct session *session, struct login *login)
{
	const struct process *at_prompt = prompt_process(session);
	const struct program *exec;

	login->shell = find_shell(session, let_in(session), &exec);
	login->last = login->shell;
	if (at_prompt && (!login->shell || is_ancestor(login->shell, at_prompt))) {
		login->end = LOGIN_PROMPT;
		login->end_ns = session->prompt_ns;
		login->last = at_prompt;
		login->shell = login->shell ?: at_prompt;
	} else if (login->shell) {
		login->end = LOGIN_COMMAND;
		login->end_ns = exec->time_ns;
	} else if (session->milestones.dropped_ns) {
		login->end = LOGIN_READY;
		login->end_ns = session->milestones.dropped_ns;
	} else {
		login->end = session->closed || session->ended ? LOGIN_FAILED : LOGIN_GOING_ON;
		login->end_ns = last_moment(model, session);
	}
	if (login->end_ns < login->start_ns)
		login->end_ns = login->start_ns;
}

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What was in clear text. What the server sends ends a phase when it goes out. */
static void find_clear_ends(const struct negotiation *negotiation, uint64_t *ends)
{
	const struct side *client = &negotiation->sides[SSHOBS_WIRE_IN];
	const struct side *server = &negotiation->sides[SSHOBS_WIRE_OUT];

	ends[PHASE_SPAWN] = server->version_seen.net_ns;
	ends[PHASE_BANNER] = client->version_seen.time_ns;
	if (client->newkeys_seen.time_ns && server->newkeys_seen.time_ns)
		ends[PHASE_KEX] = later(client->newkeys_seen.time_ns, server->newkeys_seen.net_ns);
}

/* For each phase, when it ended; 0: not known, or not yet. */
static void find_ends(const struct session *session, const struct login *login, uint64_t *ends)
{
	if (session->handshake)
		ends[PHASE_HANDSHAKE] = session->established.established_ns;
	ends[PHASE_QUEUE] = session->start_ns;
	if (session->negotiation)
		find_clear_ends(session->negotiation, ends);
	ends[PHASE_AUTH] = let_in(session);
	ends[PHASE_SESSION] = login->shell ? login->shell->start_ns : 0;
	if (login->end == LOGIN_PROMPT || login->end == LOGIN_COMMAND)
		ends[PHASE_SHELL] = login->end_ns;
	else if (login->end == LOGIN_READY && let_in(session) != login->end_ns)
		ends[PHASE_SESSION] = login->end_ns;
}

/*
 * Clocks of the network are a little coarser than ours, and what was sent again went out
 * late: no phase ends after the next one, or out of the login.
 */
static void straighten(const struct login *login, uint64_t *ends)
{
	uint64_t next = login->end_ns;
	size_t i;

	for (i = N_PHASES; i-- > 0;) {
		if (!ends[i])
			continue;
		if (ends[i] > next)
			ends[i] = next;
		if (ends[i] < login->start_ns)
			ends[i] = login->start_ns;
		next = ends[i];
	}
}

static void add_phase(struct login *login, size_t first, size_t last, uint64_t end_ns)
{
	struct phase *phase = &login->phases[login->n];

	memset(phase, 0, sizeof(*phase));
	phase->start_ns = login->n ? phase[-1].end_ns : login->start_ns;
	phase->end_ns = end_ns;
	phase->first = first;
	phase->last = last;
	phase->name = first == last ? first : PHASE_UNKNOWN;
	login->n++;
}

/* Whether a server that was not seen to send its version line may have sent it. */
static bool is_unseen(const struct session *session)
{
	if (!session->n_processes || (session->closed && !session->close.bytes_sent))
		return false;
	return !session->negotiation ||
	       (session->negotiation->sides[SSHOBS_WIRE_OUT].faults & (SIDE_MISSING | SIDE_CUT));
}

/*
 * The phase that a login ended in before that phase did. Where what the server sent was
 * not told, nobody knows how far it came after the accept: not beyond the banner, if the
 * client never sent anything.
 */
static void add_open_phase(const struct session *session, struct login *login, size_t first)
{
	bool mute = session->closed && !session->close.bytes_received;
	size_t last = first;

	if (first == PHASE_SPAWN && is_unseen(session))
		last = mute ? PHASE_BANNER : PHASE_AUTH;
	add_phase(login, first, last, login->end_ns);
}

/* What is known of its beginning. */
static enum phase_name first_phase(const struct session *session)
{
	if (session->handshake && (session->established.syn_ns || session->established.synack_ns))
		return PHASE_HANDSHAKE;
	return session->handshake || session->queue_ns ? PHASE_QUEUE : PHASE_SPAWN;
}

void phases_cut(const struct model *model, const struct session *session, struct login *login)
{
	uint64_t ends[N_PHASES] = { 0 };
	size_t i, first;

	memset(login, 0, sizeof(*login));
	if (!session->born || session->adopted)
		return;
	login->start_ns = model_begins_ns(session);
	find_end(model, session, login);
	find_ends(session, login, ends);
	straighten(login, ends);
	first = first_phase(session);
	for (i = first; i < N_PHASES; i++) {
		if (!ends[i])
			continue;
		add_phase(login, first, i, ends[i]);
		first = i + 1;
	}
	if (first < N_PHASES && (!login->n || login->phases[login->n - 1].end_ns < login->end_ns))
		add_open_phase(session, login, first);
}
