/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What of a session tells how it went, gathered while its records fold: lines of the
 * server's log, what was run, and how the server's processes ended. Part of the model;
 * outcome.h draws the conclusion.
 */
#ifndef _SSHOBS_EVIDENCE_H
#define _SSHOBS_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logline.h"
#include "role.h"
#include "stream.h"

/* Bytes that are kept of a command line; a longer one is cut. */
#define RAN_MAX 512

struct process;
struct session;

/**
 * struct bytes - a copy of what a user or the network wrote; escape it
 * @at: the bytes; NULL: none
 * @len: how many
 */
struct bytes {
	char *at;
	size_t len;
};

/**
 * struct logged - the lines of one kind that can be believed
 * @count: how many
 * @pid: process that wrote the newest one
 * @comm: its name
 * @message: the newest one, without time stamp and tag
 */
struct logged {
	uint32_t count;
	uint32_t pid;
	char comm[SSHOBS_COMM_LEN + 1];
	struct bytes message;
};

/**
 * enum ran_kind - what the server started for the client
 * @RAN_SHELL: a login shell
 * @RAN_COMMAND: a command, through the user's shell
 * @RAN_SFTP: the same, and the command is sftp-server, which is what the subsystem is
 * @RAN_INTERNAL: a fork of the server that became no program: internal-sftp
 * @RAN_OTHER: a program that is none of these, or that was up before the module
 * @RAN_FAILED: nothing: the execve failed
 * @RAN_UNFORKED: nothing: the fork failed
 * @RAN_KINDS: how many there are
 */
enum ran_kind {
	RAN_SHELL,
	RAN_COMMAND,
	RAN_SFTP,
	RAN_INTERNAL,
	RAN_OTHER,
	RAN_FAILED,
	RAN_UNFORKED,
	RAN_KINDS,
};

/**
 * struct ran - the programs of one kind that the server started
 * @count: how many
 * @pid: process of the first one
 * @comm: its name
 * @text: path and arguments of the first one, separated by blanks, or the path alone
 * @cut: @text is not all of it
 */
struct ran {
	uint32_t count;
	uint32_t pid;
	char comm[SSHOBS_COMM_LEN + 1];
	struct bytes text;
	bool cut;
};

/**
 * struct ending - how a process of the server ended
 * @pid: the process; 0: there is none
 * @comm: its name
 * @over: it ended
 * @code: exit status
 * @signal: what ended it, or 0
 */
struct ending {
	uint32_t pid;
	char comm[SSHOBS_COMM_LEN + 1];
	bool over;
	uint32_t code;
	uint32_t signal;
};

/* What the process that serves the connection runs: its exit statuses differ. */
enum server_program {
	SERVER_OTHER, /* dropbear, or not known */
	SERVER_SSHD, /* OpenSSH before 9.8 */
	SERVER_SSHD_SESSION, /* OpenSSH from 9.8 on */
};

/**
 * struct evidence - all of it
 * @logged: lines of the server, by kind
 * @ran: what it started, by kind
 * @server: the process that serves the connection, as root: the child of the task that
 *	accepted
 * @checker: the one that talks to a client which is not trusted yet; it exits with 0
 *	only once the client is
 * @program: what @server runs
 * @accepted_ns: CLOCK_MONOTONIC time of the line that said that authentication
 *	succeeded; 0: there is none
 * @user: name that the newest line before that has, or that line
 * @method: by which method it succeeded
 * @key_type: with which type of key
 * @fingerprint: and which one
 * @invalid_user: a line said that there is no such user
 * @failures: failed tries; what was tried with keyboard-interactive not among them
 * @kbdint_failures: failed tries of keyboard-interactive, as sshd itself told them
 */
struct evidence {
	struct logged logged[LOGLINE_KINDS];
	struct ran ran[RAN_KINDS];
	struct ending server;
	struct ending checker;
	enum server_program program;
	uint64_t accepted_ns;
	struct bytes user;
	struct bytes method;
	struct bytes key_type;
	struct bytes fingerprint;
	bool invalid_user;
	uint32_t failures;
	uint32_t kbdint_failures;
};

/** evidence_free() - free what it holds */
void evidence_free(struct evidence *evidence);

/** evidence_from_clone() - a process joined the session; called once it has its role */
void evidence_from_clone(struct session *session, const struct process *child);

/**
 * evidence_from_exec() - a member became a program
 * @session: its session
 * @process: the member, with its newest program and the role that it has now
 * @before: the role that it had before
 *
 * Return: 0 or -ENOMEM.
 */
int evidence_from_exec(struct session *session, struct process *process, enum role before);

/** evidence_from_exec_fail() - a member's execve failed; Return: 0 or -ENOMEM */
int evidence_from_exec_fail(struct session *session, const struct process *process,
			    const struct event *event);

/** evidence_from_clone_fail() - a member's fork failed; Return: 0 or -ENOMEM */
int evidence_from_clone_fail(struct session *session, const struct process *process);

/** evidence_from_exit() - a member ended; Return: 0 or -ENOMEM */
int evidence_from_exit(struct session *session, const struct process *process);

/** evidence_from_log() - a member wrote to the log; Return: 0 or -ENOMEM */
int evidence_from_log(struct session *session, const struct process *process,
		      const struct event *event);

/** evidence_names_peer() - whether a line says "from [ADDRESS]:PORT", and that is the peer */
bool evidence_names_peer(const struct session *session, const struct event *event);

/**
 * evidence_from_server() - the task that accepted wrote to the log, and named the peer
 *
 * Return: 0 or -ENOMEM.
 */
int evidence_from_server(struct session *session, const struct event *event);

/** evidence_is_crash() - whether a signal means that a program went wrong */
bool evidence_is_crash(uint32_t signal);

/** evidence_failures() - failed tries that the lines tell of */
uint32_t evidence_failures(const struct evidence *evidence);

#endif /* _SSHOBS_EVIDENCE_H */
