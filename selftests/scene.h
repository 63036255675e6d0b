/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A scene: a server on PORT, its clients, and what all its processes say of
 * themselves, in memory that they share. It is what the stream is compared with.
 */
#ifndef _SSHOBS_SELFTESTS_SCENE_H
#define _SSHOBS_SELFTESTS_SCENE_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib.h"

#define CONNECTIONS_MAX	4
#define MEMBERS_MAX	1024
/* Not a member of any connection's session. */
#define NOWHERE		(-1)

/**
 * struct member - a process, by its own word or its parent's
 * @pid: what getpid() says
 * @parent: process that made it
 * @parent_tid: thread that made it
 * @conn: connection whose session it belongs to, or NOWHERE
 * @execs: programs that it became
 * @code: its exit status
 * @signal: the signal that killed it
 * @how: SSHOBS_CLONE_LATE where only its exec can tell
 * @flags: CLONE_* that its clone record has
 */
struct member {
	pid_t		pid;
	pid_t		parent;
	pid_t		parent_tid;
	int		conn;
	unsigned int	execs;
	int		code;
	int		signal;
	unsigned int	how;
	uint64_t	flags;
};

/**
 * struct conn - a connection
 * @port: the client's port
 * @acceptor: process that accepted it
 * @acceptor_tid: thread that accepted it
 * @cookie: what SO_COOKIE says of the accepted socket
 * @threads: threads that its members made
 */
struct conn {
	uint16_t	port;
	pid_t		acceptor;
	pid_t		acceptor_tid;
	uint64_t	cookie;
	unsigned int	threads;
};

/**
 * struct scene - shared by all processes of a test
 * @conn: its connections
 * @member: its processes, in the order in which they enlisted
 * @members: how many
 * @number: for whatever else a test wants to know
 * @incomplete: SSHOBS_INCOMPLETE_* that its sessions end with
 * @incomplete_or_not: those that they may end with or not
 */
struct scene {
	struct conn	conn[CONNECTIONS_MAX];
	struct member	member[MEMBERS_MAX];
	unsigned int	members;
	int		number;
	unsigned int	incomplete;
	unsigned int	incomplete_or_not;
};

extern struct scene *scene;
/* This process, where it is a member. */
extern struct member *me;
/* The server's sockets on PORT and PORT_NESTED. */
extern int listener, nested_listener;
/* Its other end is with the test: who reads it waits for the test. */
extern int hold;

/*
 * Begin: a child becomes the server, plays serve() and then waits for its own
 * children. Return the other end of hold, or -1.
 */
int scene_start(int family, void (*serve)(void), pid_t *server);

/* --- what a server and its children do ---------------------------------------- */

/* Accept a connection. */
int take_from(int from, int flags);
int take(void);
/* Which connection it is, by the client's port. */
int conn_of(int sock);
/* fork(); the child is a member of that connection's session, by the rules. */
pid_t born(int conn);
/* The same for a child that was made otherwise, or that cannot speak for itself. */
struct member *enlist(pid_t pid, int conn);
/* fork() with flags. */
pid_t raw_clone(unsigned long flags);
/* Exit with a status. */
void __attribute__((noreturn)) leave(int code);
/* Exec; the arguments end with NULL. */
void __attribute__((noreturn)) become(const char *path, ...);
/* Become a program that lives until the peer closes, or the test lets go. */
void __attribute__((noreturn)) become_cat(int in);
/* Wait for the end of a file. */
void until_closed(int fd);
/* Tell the client that everything stands. */
void hello(int sock);

/* A plain server with one child, which lives as long as the connection. */
void serve_fork(void);
/* A plain server with one child, which plays a part and exits with 3. */
void serve_part(void);
/* One of so many connections, with a child for each, which plays a part and exits with 0. */
void serve_parts(int from, int count);
extern void (*part)(int sock);

/* --- parts that several tests want --------------------------------------------- */

/* Open a pseudo terminal's master; the index of its other side. */
int open_master(void);
int pts_of(int master);

#define NO_FORMAT	"/tmp/selftest-no-format"
#define NO_INTERPRETER	"/tmp/selftest-no-interpreter"
#define NO_PERMISSION	"/tmp/selftest-no-permission"

/* What cannot be executed, and why. */
struct failing {
	const char	*path;
	int		error;
};

#define FAILING		8
extern const struct failing failing[FAILING];
/* Make the files of which it speaks. */
bool make_failing(void);
/* Try to execute each. */
void exec_in_vain(int sock);

#endif /* _SSHOBS_SELFTESTS_SCENE_H */
