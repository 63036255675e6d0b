// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "format.h"
#include "model.h"
#include "user.h"

/*
 * Which lines can be believed. Anybody may write to the system's log, and what a user
 * writes after the login is part of the session too: logger(1) of the user, and as root
 * that of sudo, or of a login as root. So what counts is not who a process is but what
 * it runs: ROLE_OWN_CODE. And its real user id is root: the fork that acts for the user
 * after the login is of the user's id, and may be signalled by the user; nothing that it
 * says is needed.
 *
 * Where neither an exec nor a change of credentials has told the user id, as of
 * dropbear, which only forks, only root could listen on a port below 1024.
 */
static bool is_trusted(const struct session *session, const struct process *process)
{
	if (process->role != ROLE_OWN_CODE)
		return false;
	if (process->uid_known)
		return process->uid == 0;
	return session->endpoints.local.port && session->endpoints.local.port < 1024;
}

static int set_bytes(struct bytes *bytes, const void *from, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, from, len);
	copy[len] = '\0';
	free(bytes->at);
	bytes->at = copy;
	bytes->len = len;
	return 0;
}

static int set_span(struct bytes *bytes, struct part span)
{
	return span.at ? set_bytes(bytes, span.at, span.len) : 0;
}

void evidence_free(struct evidence *evidence)
{
	size_t i;

	for (i = 0; i < LOGLINE_KINDS; i++)
		free(evidence->logged[i].message.at);
	for (i = 0; i < RAN_KINDS; i++)
		free(evidence->ran[i].text.at);
	free(evidence->user.at);
	free(evidence->method.at);
	free(evidence->key_type.at);
	free(evidence->fingerprint.at);
}

void evidence_from_clone(struct session *session, const struct process *child)
{
	struct ending *server = &session->evidence.server;

	if (child->parent || child->role != ROLE_OWN_CODE || server->pid)
		return;
	server->pid = child->pid;
	memcpy(server->comm, child->comm, sizeof(server->comm));
}

static bool same(struct part span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.at, text, span.len) == 0;
}

static enum server_program program_of(struct part name)
{
	if (same(name, "sshd-session"))
		return SERVER_SSHD_SESSION;
	return same(name, "sshd") ? SERVER_SSHD : SERVER_OTHER;
}

/* Take one argument; false after the last. */
static bool take_argument(const struct program *program, size_t *at, struct part *argument)
{
	const char *start = (const char *)program->argv + *at;

	if (*at >= program->argv_len)
		return false;
	argument->at = start;
	argument->len = strnlen(start, program->argv_len - *at);
	*at += argument->len + 1;
	return true;
}

/*
 * How a server starts what the client asked for, OpenSSH and dropbear alike: the user's
 * shell with its name as its first argument, which a dash precedes if it is the shell
 * that was asked for, or else with "-c" and the command.
 */
static enum ran_kind what_ran(const struct program *program)
{
	struct part name = role_base_name(program->path, program->path_len);
	struct part first, option, command;
	const char *blank;
	size_t at = 0;

	if (!take_argument(program, &at, &first) || !name.len)
		return RAN_OTHER;
	if (first.len == name.len + 1 && first.at[0] == '-' &&
	    memcmp(first.at + 1, name.at, name.len) == 0)
		return take_argument(program, &at, &option) ? RAN_OTHER : RAN_SHELL;
	if (first.len != name.len || memcmp(first.at, name.at, name.len) != 0)
		return RAN_OTHER;
	if (!take_argument(program, &at, &option) || !same(option, "-c"))
		return RAN_OTHER;
	if (!take_argument(program, &at, &command))
		return RAN_OTHER;
	blank = memchr(command.at, ' ', command.len);
	command = role_base_name((const unsigned char *)command.at,
				 blank ? (size_t)(blank - command.at) : command.len);
	return same(command, "sftp-server") ? RAN_SFTP : RAN_COMMAND;
}

static int note_ran(struct session *session, enum ran_kind kind, const struct process *process,
		    const void *text, size_t len)
{
	struct ran *ran = &session->evidence.ran[kind];

	if (ran->count++)
		return 0;
	ran->pid = process->pid;
	memcpy(ran->comm, process->comm, sizeof(ran->comm));
	ran->cut = len > RAN_MAX;
	return set_bytes(&ran->text, text, ran->cut ? RAN_MAX : len);
}

/* The path, and the arguments after the first one with blanks between them. */
static int note_program(struct session *session, enum ran_kind kind, const struct process *process)
{
	const struct program *program = model_program(process);
	struct part argument;
	char text[RAN_MAX + 1];
	size_t len = program->path_len;
	size_t at = 0;

	if (len > sizeof(text))
		len = sizeof(text);
	memcpy(text, program->path, len);
	take_argument(program, &at, &argument);
	while (len < sizeof(text) && take_argument(program, &at, &argument)) {
		size_t room = sizeof(text) - len - 1;
		size_t n = argument.len < room ? argument.len : room;

		text[len++] = ' ';
		memcpy(text + len, argument.at, n);
		len += n;
	}
	return note_ran(session, kind, process, text, len);
}

/*
 * Whether a fork of the server is what serves one request of the client, and not one that
 * PAM or the authentication made: the server of a user other than root does it by one that
 * has given up root, and so does that of root since OpenSSH 9.8.
 */
static bool serves_request(const struct session *session, const struct process *process)
{
	if (process->depth >= 2)
		return true;
	return process->depth == 1 && session->evidence.program != SERVER_SSHD_SESSION &&
	       session->evidence.accepted_ns && process->start_ns >= session->evidence.accepted_ns;
}

int evidence_from_exec(struct session *session, struct process *process, enum role before)
{
	const struct program *program = model_program(process);
	struct evidence *evidence = &session->evidence;
	enum ran_kind kind;

	if (role_serves(session, process)) {
		evidence->program = program_of(role_base_name(program->path, program->path_len));
		memcpy(evidence->server.comm, process->comm, sizeof(evidence->server.comm));
		return 0;
	}
	if (before != ROLE_OWN_CODE || process->role == ROLE_OWN_CODE)
		return 0;
	kind = what_ran(program);
	if (kind == RAN_OTHER && !(program->uid && serves_request(session, process)))
		return 0;
	return note_program(session, kind, process);
}

int evidence_from_exec_fail(struct session *session, const struct process *process,
			    const struct event *event)
{
	if (process->role != ROLE_OWN_CODE || !serves_request(session, process))
		return 0;
	return note_ran(session, RAN_FAILED, process, event->data, event->exec_fail->path_len);
}

/* The server forks once more for what the client asked for. */
int evidence_from_clone_fail(struct session *session, const struct process *process)
{
	if (process->role != ROLE_OWN_CODE || !session->evidence.accepted_ns)
		return 0;
	return note_ran(session, RAN_UNFORKED, process, "", 0);
}

/* What a program does wrong, or the sandbox of the server stops. */
bool evidence_is_crash(uint32_t signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGILL ||
	       signal == SIGFPE || signal == SIGSYS || signal == SIGTRAP;
}

static void note_ending(struct ending *ending, const struct process *process)
{
	ending->pid = process->pid;
	memcpy(ending->comm, process->comm, sizeof(ending->comm));
	ending->over = true;
	ending->code = process->code;
	ending->signal = process->signal;
}

/* The fork that acts for the user does not count here: the user can kill it. */
int evidence_from_exit(struct session *session, const struct process *process)
{
	struct evidence *evidence = &session->evidence;
	bool untrusted =
		session->privsep.state == PRIVSEP_ALIVE && session->privsep.pid == process->pid;

	if (role_serves(session, process))
		note_ending(&evidence->server, process);
	else if (untrusted)
		note_ending(&evidence->checker, process);
	/* It exits with 254 where /etc/nologin keeps the user out. */
	if (process->role != ROLE_OWN_CODE || process->exec_fails || process->code == 254 ||
	    process->signal)
		return 0;
	if (process->depth < 2 && !(process->uid_known && process->uid == 0))
		return 0;
	if (untrusted || !process->parent || !serves_request(session, process))
		return 0;
	return note_ran(session, RAN_INTERNAL, process, "", 0);
}

static int note_line(struct evidence *evidence, const struct logline *line,
		     const struct event *event)
{
	struct logged *logged = &evidence->logged[line->kind];

	logged->count++;
	logged->pid = event->hdr->pid;
	memcpy(logged->comm, event->hdr->comm, SSHOBS_COMM_LEN);
	logged->comm[SSHOBS_COMM_LEN] = '\0';
	return set_span(&logged->message, line->message);
}

static int note_accepted(struct evidence *evidence, const struct logline *line, uint64_t time_ns)
{
	evidence->accepted_ns = time_ns;
	return set_span(&evidence->method, line->method)	     ?:
		       set_span(&evidence->key_type, line->key_type) ?:
		       set_span(&evidence->fingerprint, line->fingerprint);
}

static void count_failures(struct evidence *evidence, const struct logline *line)
{
	if (line->kind == LOGLINE_FAILED && line->method.len >= 20 &&
	    memcmp(line->method.at, "keyboard-interactive", 20) == 0)
		evidence->kbdint_failures++;
	else if (line->kind == LOGLINE_FAILED)
		evidence->failures++;
	if (line->failures > evidence->failures)
		evidence->failures = line->failures;
}

uint32_t evidence_failures(const struct evidence *evidence)
{
	uint32_t refused = evidence->logged[LOGLINE_PAM_FAILED].count;
	uint32_t failures = evidence->failures;

	/* sshd tells of each such try once as PAM's error, and then, or not, as its own. */
	failures += refused > evidence->kbdint_failures ? refused : evidence->kbdint_failures;
	return failures ?: evidence->logged[LOGLINE_PAM_MODULE].count > 0;
}

int evidence_from_log(struct session *session, const struct process *process,
		      const struct event *event)
{
	struct evidence *evidence = &session->evidence;
	struct logline line;
	int err;

	if (!is_trusted(session, process))
		return 0;
	logline_parse(event->data, event->log->text_len, &line);
	if (line.kind == LOGLINE_OTHER)
		return 0;
	/* What sshd says at the end of a login is not how it was let in. */
	if (evidence->accepted_ns && line.kind != LOGLINE_ACCEPTED &&
	    line.kind != LOGLINE_CRASHED && line.kind != LOGLINE_SESSION_OPENED &&
	    line.kind != LOGLINE_FATAL)
		return 0;
	err = note_line(evidence, &line, event);
	count_failures(evidence, &line);
	if (!err && !evidence->accepted_ns)
		err = set_span(&evidence->user, line.user);
	evidence->invalid_user |= line.invalid_user;
	if (!err && line.kind == LOGLINE_ACCEPTED)
		err = note_accepted(evidence, &line, event->hdr->time_ns);
	if (!err)
		user_from_log(session, &line);
	return err;
}

bool evidence_names_peer(const struct session *session, const struct event *event)
{
	struct part message = logline_message(event->data, event->log->text_len);
	const struct sshobs_endpoint *peer = &session->endpoints.peer;
	char address[FORMAT_MAX], name[FORMAT_MAX + 32];

	snprintf(name, sizeof(name), " from [%s]:%u ", format_address(address, peer), peer->port);
	return message.len && memmem(message.at, message.len, name, strlen(name));
}

int evidence_from_server(struct session *session, const struct event *event)
{
	struct logline line;

	logline_parse(event->data, event->log->text_len, &line);
	return line.kind == LOGLINE_REFUSED ? note_line(&session->evidence, &line, event) : 0;
}
