/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which task and which socket belong to which login: the linking rules, and
 * nothing else.
 *
 * - A session is born when a server's accept returns a socket, and is tied to it.
 * - The server is followed, but is no member. A child of it joins the session whose
 *   socket it holds in its fd table. A child that holds several such sockets, or
 *   one that its exec would close, is followed unsettled, and so are its own
 *   children; its exec settles it. Where it holds several then, too, it is followed no
 *   more, and all of their sessions are marked.
 * - Children of members are members. Exec, setuid and setsid change nothing.
 * - A session ends when its socket is closed and its last member has exited.
 *
 * What is followed is a process, known by its signal_struct: all threads share it,
 * and it outlives an exec in which another thread takes over the leader's pid. The
 * entry goes when the last thread exits, before the signal_struct can be reused.
 *
 * Who looks at the two tables has preemption off, which RCU waits for, or holds the
 * RCU read lock; changes are made under one raw lock. A member's handler needs no
 * reference: while one of its threads runs, its entry stands and holds the session.
 */
#ifndef _SSHOBS_SESSION_H
#define _SSHOBS_SESSION_H

#include <linux/atomic.h>
#include <linux/hash.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "../uapi/sshobs.h"
#include "wire.h"

struct files_struct;
struct sock;
struct sshobs_environ;

/*
 * File descriptors of one process that are looked at for a session's socket. The port is
 * the administrator's, so the server is too; the bound is against its mistakes, and against
 * strangers that are looked at when the module is loaded.
 */
#define SSHOBS_FDS_MAX		65536

/* One side at least may still talk in clear text. */
#define SSHOBS_SESSION_TALKS	0

/**
 * struct sshobs_session - one login
 * @by_sock: in the table of open sockets, until the socket is closed
 * @sock: the accepted socket: a key, never followed
 * @id: its number
 * @records: records written for it; the ring's lock protects it
 * @holds: members, unsettled children that may fall back to it, TCP connections that
 *	are being made, and one for the open socket; at 0 the session ends
 * @watched: its calls that hold a slot of a return probe right now
 * @connecting: TCP connections of its members that are being made
 * @asked: readings of its processes that are under way
 * @processes: processes that were members
 * @execs: programs that they became
 * @incomplete: SSHOBS_INCOMPLETE_*
 * @start_ns: when it began, CLOCK_MONOTONIC
 * @missed: misses of all probes when it began
 * @flags: bits SSHOBS_SESSION_*
 * @arrived_ns: when the newest segment with data came, CLOCK_MONOTONIC; with @wire, the
 *	socket's lock protects it
 * @wire: both sides of its clear text, by enum sshobs_direction
 * @rcu: for kfree_rcu()
 */
struct sshobs_session {
	struct hlist_node	by_sock;
	const struct sock	*sock;
	u64			id;
	u64			records;
	atomic_t		holds;
	atomic_t		watched;
	atomic_t		connecting;
	atomic_t		asked;
	atomic_t		processes;
	atomic_t		execs;
	atomic_t		incomplete;
	u64			start_ns;
	u64			missed;
	unsigned long		flags;
	u64			arrived_ns;
	struct sshobs_wire_side	wire[2];
	struct rcu_head		rcu;
};

/* The process accepted a connection on a watched port. */
#define SSHOBS_TASK_SERVER	0
/* Its exec decides which session it belongs to, if any. */
#define SSHOBS_TASK_UNSETTLED	1
/* It waited for its terminal's input since its exec. */
#define SSHOBS_TASK_PROMPTED	2
/* The stream tells which program it runs. */
#define SSHOBS_TASK_EXECED	3

/**
 * struct sshobs_task - one process that is followed
 * @by_signal: in the table of processes
 * @signal: the process: a key, never followed
 * @session: the session that it belongs to, or falls back to while it is
 *	unsettled; NULL: none
 * @flags: bits SSHOBS_TASK_*
 * @waiting: of a server: connections in the accept queue when it asked for one last
 * @refused: of a member: thread whose fork a cgroup's pids.max has refused last, or 0
 * @refusals: of a member: forks that a cgroup's pids.max has refused
 * @environ: what its program was given, or NULL
 * @rcu: for kfree_rcu()
 */
struct sshobs_task {
	struct hlist_node		by_signal;
	const struct signal_struct	*signal;
	struct sshobs_session		*session;
	unsigned long			flags;
	unsigned int			waiting;
	pid_t				refused;
	atomic_t			refusals;
	struct sshobs_environ __rcu	*environ;
	struct rcu_head			rcu;
};

/* The table of open sockets, for the function below alone. */
extern struct hlist_head *sshobs_sock_table;
extern unsigned int sshobs_sock_bits;

/**
 * sshobs_session_may_have_sock() - what the whole host pays for each socket that closes
 * @sock: any socket; it is only compared
 *
 * Context: any. Return: false where no session has the socket.
 */
static inline bool sshobs_session_may_have_sock(const struct sock *sock)
{
	return !hlist_empty(&sshobs_sock_table[hash_ptr(sock, sshobs_sock_bits)]);
}

/* The table of processes, for the two functions below alone. */
extern struct hlist_head *sshobs_task_table;
extern unsigned int sshobs_task_bits;

/**
 * sshobs_task_find() - look a process up; what the whole host pays for
 * @task: any of its threads
 *
 * Context: RCU read lock, or preemption off. Return: its entry, or NULL.
 */
static inline struct sshobs_task *sshobs_task_find(const struct task_struct *task)
{
	const struct signal_struct *signal = task->signal;
	struct sshobs_task *entry;

	hlist_for_each_entry_rcu(entry, &sshobs_task_table[hash_ptr(signal, sshobs_task_bits)],
				 by_signal, rcu_read_lock_any_held())
		if (entry->signal == signal)
			return entry;
	return NULL;
}

/**
 * sshobs_task_session() - the session that a process is a member of
 * @entry: the process, or NULL
 *
 * Context: as for sshobs_task_find(). Return: the session, or NULL: a stranger, a
 * server, or a child that is not settled.
 */
static inline struct sshobs_session *sshobs_task_session(const struct sshobs_task *entry)
{
	if (!entry || test_bit(SSHOBS_TASK_UNSETTLED, &entry->flags))
		return NULL;
	return READ_ONCE(entry->session);
}

/**
 * sshobs_session_current() - the session that current is a member of
 *
 * Context: as for sshobs_task_find(). Return: as for sshobs_task_session().
 */
static inline struct sshobs_session *sshobs_session_current(void)
{
	return sshobs_task_session(sshobs_task_find(current));
}

/**
 * sshobs_session_mark() - note why a session may lack something
 * @session: the session
 * @why: SSHOBS_INCOMPLETE_*
 *
 * Context: any.
 */
static inline void sshobs_session_mark(struct sshobs_session *session, u32 why)
{
	atomic_or(why, &session->incomplete);
}

/**
 * sshobs_count_in() - count one more, up to a bound
 * @count: of a session, or of all
 * @max: the bound
 *
 * Context: any. Return: false, and nothing was counted, at the bound.
 */
static inline bool sshobs_count_in(atomic_t *count, int max)
{
	if (atomic_inc_return(count) <= max)
		return true;
	atomic_dec(count);
	return false;
}

/**
 * sshobs_session_init() - make the tables
 * @max_sessions: bound of sessions that are up
 * @max_tasks: bound of processes that are followed
 * @missed: how many hits of probes the kernel has skipped so far
 *
 * Context: may sleep. Return: 0 or -ENOMEM.
 */
int sshobs_session_init(unsigned int max_sessions, unsigned int max_tasks, u64 (*missed)(void));

/**
 * sshobs_session_exit() - free everything; no probe is left that could call in
 *
 * Context: may sleep.
 */
void sshobs_session_exit(void);

/**
 * sshobs_session_server() - current asks for a connection on a watched port
 * @waiting: connections that wait in the accept queue
 *
 * Current is followed as a server from now on.
 *
 * Context: preemption off. Return: its entry, or NULL, counted, at a bound or without
 * memory.
 */
struct sshobs_task *sshobs_session_server(unsigned int waiting);

/**
 * sshobs_session_accept() - current was given a connection: a session is born
 * @sock: the accepted socket
 * @backlog: out: connections that waited behind it when it was asked for
 *
 * A server that had asked before the module was there is followed from now on. No session
 * may be tied to @sock any more.
 *
 * Context: preemption off. Return: the session, held by its open
 * socket; or NULL, counted, at a bound or without memory.
 */
struct sshobs_session *sshobs_session_accept(const struct sock *sock, unsigned int *backlog);

/**
 * sshobs_session_untracked() - count a connection to a watched port that is not followed
 *
 * Context: any.
 */
void sshobs_session_untracked(void);

/**
 * sshobs_session_of_sock() - the session of a socket
 * @sock: any socket; it is only compared
 *
 * Context: RCU read lock, or preemption off. Return: the session, or NULL.
 */
struct sshobs_session *sshobs_session_of_sock(const struct sock *sock);

/**
 * sshobs_session_take_sock() - the socket is being closed, or is a new one where it was
 * @sock: any socket; it is only compared
 *
 * Context: RCU read lock, or preemption off. Return: its session, once, with the hold
 * of the open socket, which the caller gives back with sshobs_session_put(); or NULL.
 */
struct sshobs_session *sshobs_session_take_sock(const struct sock *sock);

/**
 * sshobs_session_hold() - keep a session from its end
 * @session: the session; current is a member of it, or RCU keeps it
 *
 * Context: any. Return: false where it found its end already; else the caller gives the
 * hold back with sshobs_session_put().
 */
bool sshobs_session_hold(struct sshobs_session *session);

/**
 * sshobs_session_put() - give a hold back; the last one ends the session
 * @session: the session; not to be used afterwards, unless otherwise held
 *
 * Context: preemption off; writes the end record.
 */
void sshobs_session_put(struct sshobs_session *session);

/**
 * sshobs_session_fork() - current made a process that has not run yet
 * @parent: current's entry
 * @child: the new process
 *
 * Follows the child where a rule says so.
 *
 * Context: preemption off; takes the lock of the child's files.
 * Return: the session that the child is a member of now, or NULL.
 */
struct sshobs_session *sshobs_session_fork(const struct sshobs_task *parent,
					   struct task_struct *child);

/**
 * sshobs_session_exec() - current became a program; settle it if need be
 * @entry: current's entry
 * @late: out: true where it became a member by this very call
 *
 * Context: preemption off; takes the lock of current's files.
 * Return: the session that current is a member of, or NULL.
 */
struct sshobs_session *sshobs_session_exec(struct sshobs_task *entry, bool *late);

/**
 * sshobs_session_environ() - the environment that a process was given at exec
 * @task: the process, kept by the caller
 *
 * Context: any; takes the RCU read lock. Return: a reference, for sshobs_environ_put(); NULL:
 * none was kept.
 */
struct sshobs_environ *sshobs_session_environ(const struct task_struct *task);

/**
 * sshobs_session_leave() - the last thread of a process is exiting
 * @task: the thread
 *
 * Context: preemption off. Return: the session that the process was a
 * member of, once, with its hold, which the caller gives back with
 * sshobs_session_put(); or NULL.
 */
struct sshobs_session *sshobs_session_leave(const struct task_struct *task);

/**
 * sshobs_session_adopt_sock() - a session for a connection that is up already
 * @sock: its socket, kept open by the caller
 * @start_ns: when it began, as far as is known
 * @born: out: true where the session is new
 *
 * Context: preemption off. Return: the session of @sock, or NULL as
 * for sshobs_session_accept().
 */
struct sshobs_session *sshobs_session_adopt_sock(const struct sock *sock, u64 start_ns, bool *born);

/**
 * sshobs_session_adopt_task() - follow a process that was there before the module
 * @session: its session
 * @task: its leader, kept by RCU
 *
 * Context: preemption off. Return: true if it is a member now and
 * was not before.
 */
bool sshobs_session_adopt_task(struct sshobs_session *session, const struct task_struct *task);

/**
 * sshobs_session_stats() - fill in what is counted here
 * @stats: out: sessions*, tasks*
 *
 * Context: any.
 */
void sshobs_session_stats(struct sshobs_stats *stats);

#endif /* _SSHOBS_SESSION_H */
