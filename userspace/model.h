/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records fold into sessions and processes.
 *
 * Pure: no I/O, no clock, no names of users. Feed it the events of one stream in
 * their order; the views read what it holds.
 */
#ifndef _SSHOBS_MODEL_H
#define _SSHOBS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "evidence.h"
#include "limit.h"
#include "role.h"
#include "ssh.h"
#include "stream.h"

/**
 * struct program - what a process became by an exec
 * @time_ns: CLOCK_MONOTONIC time of the exec
 * @path: as given to execve, not NUL-terminated
 * @path_len: bytes of @path
 * @path_total: bytes it had; more than @path_len: it was cut
 * @argv: arguments, a NUL after each one
 * @argv_len: bytes of @argv
 * @argv_total: bytes they had
 * @tty: controlling terminal; empty: none
 * @uid: real user id
 * @flags: SSHOBS_EXEC_*
 */
struct program {
	uint64_t time_ns;
	unsigned char *path;
	uint32_t path_len;
	uint32_t path_total;
	unsigned char *argv;
	uint32_t argv_len;
	uint32_t argv_total;
	char tty[SSHOBS_TTY_LEN + 1];
	uint32_t uid;
	uint32_t flags;
};

/**
 * struct process - one process of a session, from its clone to its exit
 * @session: the session it belongs to
 * @index: how many processes of the session appeared before it
 * @seq: seq of the record that it appeared with
 * @parent: the process that made it; NULL: the task that accepted, or unknown
 * @ppid: pid of its parent when it was made; 0: not known
 * @pid: pid in the initial pid namespace
 * @start_ns: CLOCK_MONOTONIC time at which it began; 0: not known
 * @end_ns: when it ended; 0: it is alive
 * @last_ns: time of its last record
 * @cpu_ns: CPU time it consumed: of all threads once it has ended, else the newest
 *	that a thread of it was seen with
 * @maxrss_kb: largest resident set, once it has ended
 * @code: exit status, once it has ended
 * @signal: what ended it, or 0
 * @uid: real user id; valid if @uid_known
 * @comm: newest name
 * @tty: controlling terminal at the last exec; inherited before one
 * @execs: its programs, oldest first
 * @n_execs: how many
 * @exec_fails: failed execs
 * @misses: those of them that failed with ENOENT: PATH misses
 * @clone_fails: failed forks
 * @threads: threads it made
 * @adopted: it was there before the module
 * @late: it was linked only at its exec
 * @vforked: its parent slept until it had become a program (vfork, posix_spawn)
 * @uid_known: @uid holds something
 * @role: whether it is one of the server's own
 * @depth: how many of its ancestors are in the session
 * @needed: for model_drop_past()
 * @view: for the views
 * @next: next process of the session, in order of appearance
 * @hh: in session->live, by pid
 */
struct process {
	struct session *session;
	size_t index;
	uint64_t seq;
	struct process *parent;
	uint32_t ppid;
	uint32_t pid;
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t last_ns;
	uint64_t cpu_ns;
	uint64_t maxrss_kb;
	uint32_t code;
	uint32_t signal;
	uint32_t uid;
	char comm[SSHOBS_COMM_LEN + 1];
	char tty[SSHOBS_TTY_LEN + 1];
	struct program *execs;
	size_t n_execs;
	uint32_t exec_fails;
	uint32_t misses;
	uint32_t clone_fails;
	uint32_t threads;
	bool adopted;
	bool late;
	bool vforked;
	bool uid_known;
	enum role role;
	uint32_t depth;
	bool needed;
	void *view;
	struct process *next;
	UT_hash_handle hh;
};

enum session_state {
	SESSION_UP, /* connection and processes are there */
	SESSION_CLOSED, /* the connection is closed, processes live on */
	SESSION_ENDED,
	SESSION_REFUSED, /* ended, and no process ever joined */
};

/**
 * struct milestones - how far a login came after its negotiation; all are times of
 *	CLOCK_MONOTONIC; 0: never, or not known
 * @preauth_ns: the process that talks to a client which is not trusted yet ended well
 * @dropped_ns: a process of the server became the user
 * @closed_ns: the connection was closed
 */
struct milestones {
	uint64_t preauth_ns;
	uint64_t dropped_ns;
	uint64_t closed_ns;
};

/* How sure the model is of session->uid. */
enum user_state {
	USER_UNKNOWN,
	USER_GUESSED, /* the best there is until now */
	USER_SETTLED,
};

/**
 * struct session - one login
 * @id: its number
 * @state: how it stands
 * @born: its accept or adopt record was seen
 * @adopted: it was up before the module
 * @endpoints: who and where; valid if @born, else from close, else family 0
 * @handshake: its established record was seen; it is @established
 * @milestones: how far it came
 * @cookie: of the socket
 * @queue_ns: time that it waited in the accept queue; 0: not known
 * @backlog: connections that waited behind it
 * @acceptor_pid: the task that accepted; 0: not known
 * @acceptor_comm: its name
 * @start_ns: CLOCK_MONOTONIC time of the accept; without @born, of the first record
 * @end_ns: when it ended; 0: it did not
 * @last_ns: time of its last record
 * @uid: who logged in; see @user
 * @user: whether @uid is known
 * @prompt_ns: when a shell first waited for input; 0: never
 * @prompt_pid: which process
 * @prompts: how many prompts
 * @prompt_pts: on which terminal
 * @ptys: terminals that were allocated
 * @records: records that were seen
 * @missing: records of it that were not seen
 * @next_seq: session_seq that the next one should have
 * @last_seq: seq in the stream of its last record
 * @n_processes: processes seen
 * @n_execs: execs seen
 * @misses: PATH misses
 * @exec_fails: failed execs, with the PATH misses
 * @clone_fails: failed forks
 * @cuts: execs whose path or arguments were cut
 * @log_cuts: lines of the log that were cut
 * @incomplete: SSHOBS_INCOMPLETE_* of its end
 * @closed: its close record was seen; it is @close
 * @ended: its end record was seen; it is @end
 * @processes: list, in order of appearance
 * @last_process: the list's end
 * @live: those that have not ended, by pid
 * @evidence: what tells how it went
 * @limits: limits that it ran into
 * @privsep: pid of the process that checks the client before it is trusted, as
 *	long as it may be one; see model.c
 * @negotiation: what was said in clear text; NULL: no record told of it
 * @kept: its events, if they are kept
 * @n_kept: how many
 * @tag: for the views
 * @hh: in model->sessions
 */
struct session {
	uint64_t id;
	enum session_state state;
	bool born;
	bool adopted;
	struct {
		struct sshobs_endpoint peer;
		struct sshobs_endpoint local;
	} endpoints;
	bool handshake;
	struct sshobs_established established;
	struct milestones milestones;
	uint64_t cookie;
	uint64_t queue_ns;
	uint32_t backlog;
	uint32_t acceptor_pid;
	char acceptor_comm[SSHOBS_COMM_LEN + 1];
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t last_ns;
	uint32_t uid;
	enum user_state user;
	uint64_t prompt_ns;
	uint32_t prompt_pid;
	uint32_t prompts;
	uint32_t prompt_pts;
	uint32_t ptys;
	uint64_t records;
	uint64_t missing;
	uint64_t next_seq;
	uint64_t last_seq;
	uint32_t n_processes;
	uint32_t n_execs;
	uint32_t misses;
	uint32_t exec_fails;
	uint32_t clone_fails;
	uint32_t cuts;
	uint32_t log_cuts;
	uint32_t incomplete;
	bool closed;
	bool ended;
	struct sshobs_close close;
	struct sshobs_end end;
	struct process *processes;
	struct process *last_process;
	struct process *live;
	struct evidence evidence;
	struct limits limits;
	struct {
		uint32_t pid;
		uint32_t uid;
		uint64_t time_ns;
		enum { PRIVSEP_NONE, PRIVSEP_ALIVE, PRIVSEP_OVER } state;
	} privsep;
	struct negotiation *negotiation;
	struct event *kept;
	size_t n_kept;
	size_t tag;
	UT_hash_handle hh;
};

/* Whose events the model keeps, for a view that tells them one by one. */
enum model_keep {
	KEEP_NONE,
	KEEP_NEWEST, /* those of the session with the highest number */
	KEEP_ALL,
};

/**
 * struct model - what a stream told until now
 * @keep: whose events are kept
 * @forget: free the processes of a session that ended (they fill memory in a
 *	long capture, and not every view shows them)
 * @sessions: list, in order of appearance
 * @newest: highest number of a session
 * @last_lost_seq: seq of the last record that a lost record told of
 * @lost: records lost in all
 * @now_ns: CLOCK_MONOTONIC time of the last record, or later
 */
struct model {
	enum model_keep keep;
	bool forget;
	struct session *sessions;
	uint64_t newest;
	uint64_t last_lost_seq;
	uint64_t lost;
	uint64_t now_ns;
};

/** model_init() - begin with nothing; model_free() it */
void model_init(struct model *model, enum model_keep keep, bool forget);

/** model_free() - free all that the model holds */
void model_free(struct model *model);

/**
 * model_fold() - take one event into account
 * @model: the model
 * @event: the next event of the stream; copied where it is kept
 * @out: the session that it belongs to, or NULL; may be NULL
 *
 * Return: 0 or -ENOMEM.
 */
int model_fold(struct model *model, const struct event *event, struct session **out);

/** model_end_lost() - end a process whose exit is told by none of the records, past or to come */
void model_end_lost(const struct model *model, struct process *process);

/** model_drop_session() - forget a session */
void model_drop_session(struct model *model, struct session *session);

/**
 * model_drop_past() - forget the processes of a session that have ended, and what those that
 *	are alive were before they became what they are
 * @session: the session, which is up
 *
 * The parent of a process is then the nearest ancestor that is alive; where none is, the
 * oldest, which stays. What is left grows with what is alive, and not with time. How the
 * login went can't be told from it any more: see phases.h.
 */
void model_drop_past(struct session *session);

/** model_drop_events() - free the events that were kept of a session */
void model_drop_events(struct session *session);

/** model_find() - the session with a number, or NULL */
struct session *model_find(const struct model *model, uint64_t id);

/** model_find_process() - the process that has this pid now, or NULL */
struct process *model_find_process(const struct session *session, uint32_t pid);

/** model_had_process() - whether a process with this pid ever was in the session */
bool model_had_process(const struct session *session, uint32_t pid);

/** model_user_is_guess() - whether what is to come may tell another user */
bool model_user_is_guess(const struct session *session);

/** model_program() - what a process runs; NULL if no exec of it was seen */
const struct program *model_program(const struct process *process);

/**
 * model_user() - who logged in
 * @session: the session
 * @uid: out: the user id
 *
 * Return: whether it is known.
 */
bool model_user(const struct session *session, uint32_t *uid);

/**
 * model_user_name() - the name of the user as the server's log has it
 * @session: the session
 *
 * Until authentication succeeds it is the one that the client asked for last, who may
 * be nobody.
 *
 * Return: the name, not to be freed; its @at is NULL where no line told one.
 */
struct bytes model_user_name(const struct session *session);

/**
 * model_is_user() - whether a session is, or was meant to be, of a user
 * @session: the session
 * @name: name of the user, which is compared if the server's log told one; NULL: any
 * @uid: else the user id, which is compared; NULL: none
 *
 * Return: whether it is.
 */
bool model_is_user(const struct session *session, const char *name, const uint32_t *uid);

/* What the reader adds to the reasons SSHOBS_INCOMPLETE_* of the module. */
#define INCOMPLETE_START   (1U << 16) /* its first record was not there */
#define INCOMPLETE_MISSING (1U << 17) /* session->missing records were not there */
#define INCOMPLETE_LOST	   (1U << 18) /* some may have been lost since its last one */
#define INCOMPLETE_CUT	   (1U << 19) /* a path, arguments or a line of the log were cut */

/**
 * model_incomplete() - what the stream may not have told of the session
 * @model: where it belongs to
 * @session: the session
 *
 * Return: SSHOBS_INCOMPLETE_* and INCOMPLETE_*; 0: it is complete until now.
 */
uint32_t model_incomplete(const struct model *model, const struct session *session);

/** model_incomplete_name() - short name of a bit of model_incomplete(), or NULL */
const char *model_incomplete_name(unsigned int bit);

/**
 * model_begins_ns() - when a login began
 * @session: the session
 *
 * Return: the time of its SYN; where that is not known, of its SYN-ACK, of the end of
 * its handshake, or session->start_ns, whichever is known. Never later than that.
 */
uint64_t model_begins_ns(const struct session *session);

/**
 * model_time_to_prompt() - how long a login took
 * @session: the session
 * @ns: out: from model_begins_ns() to its first prompt
 *
 * Return: whether both are known.
 */
bool model_time_to_prompt(const struct session *session, uint64_t *ns);

/** model_ends_ns() - end of the session, or the model's now if it is up */
uint64_t model_ends_ns(const struct model *model, const struct session *session);

#endif /* _SSHOBS_MODEL_H */
