/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests are made of: the module, the device, the records that it gave,
 * connections and processes. Nothing here judges; that is checks.h.
 *
 * Functions that wait give up after SECONDS: a test fails, it never hangs.
 */
#ifndef _SSHOBS_SELFTESTS_LIB_H
#define _SSHOBS_SELFTESTS_LIB_H

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "../kmod/text.h"
#include "../uapi/sshobs.h"

/* Long enough for an emulated machine under load; no test that passes waits for it. */
#define SECONDS		300

#define DEVICE		"/dev/sshobs"
/* Where the servers of these tests listen; the module watches them. */
#define PORT		2222
#define PORT_NESTED	2223
#define PORT_OTHER	2224
#define PORTS		"ports=2222,2223,2224"

/* What the module looks at of an fd table. */
#define FDS_MAX		65536

/* An ordinary user that has no account and no processes but those of the test. */
#define NOBODY		54321

/* So much of a full count as SCALE says, per cent of it: from 1 to 100, 1 if the
 * environment has none. At least 1.
 */
unsigned long scaled(unsigned long full);

/* --- the module ------------------------------------------------------------- */

/* Its file. */
const char *module_path(void);
/* Load it with parameters ("ports=22 ring_kb=64"), and those of the environment's SEEDED, which
 * selftests/detectors sets. Return 0 or -errno.
 */
int module_load(const char *params);
/* Unload it. Return 0, or -errno: -EWOULDBLOCK while it is in use. */
int module_unload(void);
bool module_loaded(void);
/* Load it anew, with all counters at 0; an old one may be in use for another moment. */
int module_reload(const char *params);
/* Have it loaded with exactly these parameters, anew only where it was not. */
int module_want(const char *params);

/* --- the device ------------------------------------------------------------- */

/* An open file in binary format, before the oldest record; flags as for open(). */
int records_open(int flags);
/* The same, behind the newest record. */
int records_open_now(int flags);
/* Ask for the probe of a function. Return true if the module has one. */
bool probe_of(int fd, const char *symbol, struct sshobs_probe *probe);
/* Write one mark. Return what write() returns. */
ssize_t mark(const void *text, size_t len);

/* --- a log: the records that one reader got --------------------------------- */

struct log {
	int			fd;
	struct sshobs_hdr	**recs;
	size_t			count;
	size_t			size;
};

/* Which records; 0 means any. */
struct want {
	unsigned int	type;
	uint64_t	session;
	pid_t		pid;
};

#define WANT(...) ((struct want){ __VA_ARGS__ })
/* What a session has of a type, and what a process in it has. */
#define IN(type_, session_) WANT(.type = (type_), .session = (session_))
#define OF(type_, session_, pid_) WANT(.type = (type_), .session = (session_), .pid = (pid_))
#define ANY_SESSION 0

/* Follow the stream from now on. Return true if that worked. */
bool log_open(struct log *log);
void log_close(struct log *log);
/* Read what there is, after waiting for it if there is nothing. */
bool log_more(struct log *log, int timeout_ms);
/* Read until everything that happened before this call is in the log. */
bool log_sync(struct log *log);

/* Search what was read; @from is an index. Return the index, or -1. */
ssize_t log_index(const struct log *log, struct want want, size_t from);
const struct sshobs_hdr *log_find(const struct log *log, struct want want);
size_t log_count(const struct log *log, struct want want);
/* The same, and read on until it is there; NULL when time is up. */
const struct sshobs_hdr *log_wait(struct log *log, struct want want);
/* What the end of a session says to be missing; ~0: there came none. */
unsigned int incomplete_of(struct log *log, uint64_t session);
/* Until there are so many. */
bool log_wait_count(struct log *log, struct want want, size_t count);
/* The number of the session whose client has this port; 0 when time is up. */
uint64_t log_wait_session(struct log *log, uint16_t peer_port);
/* Print what a session's records say, to tell why a test failed. */
void log_print(const struct log *log, uint64_t session);
/*
 * The device in text format has the same records, one after the other, in the words of the same function here. False,
 * with what differs on stderr, if not.
 */
bool log_is_text_of_device(const struct log *log);

/* The body of a record. */
static inline const void *body(const struct sshobs_hdr *hdr)
{
	return (const char *)hdr + hdr->hdr_len;
}

/* Walk records that one read() returned. */
#define for_each_record(hdr, buf, bytes) \
	for ((hdr) = (void *)(buf); \
	     (const char *)(hdr) < (const char *)(buf) + (bytes); \
	     (hdr) = (void *)((char *)(hdr) + (hdr)->len))

/* --- connections ------------------------------------------------------------ */

/* glibc has it since 2.32. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

/* A socket that listens on a port of all addresses: AF_INET, AF_INET6 (both), 0: any port. */
int listen_on(int family, uint16_t port);
/* Connect to localhost. Return the socket; own_port is set before the server sees it. */
int connect_to(int family, uint16_t port, uint16_t *own_port);
uint16_t port_of(int sock);
/* Close so that the peer sees a reset. */
void reset(int sock);
/* Pass an open file over a unix socket, and take it. Return true if it was sent; the file, or -1. */
bool send_fd(int sock, int fd);
int receive_fd(int sock);

/* --- processes -------------------------------------------------------------- */

/* Kill what earlier tests of this program may have left behind, and be the one
 * that inherits the orphans of this test.
 */
void clean_start(void);
/* Wait for a child's end for at most SECONDS. Return its status, or -1. */
int wait_for(pid_t pid);
/* Run a program and wait for it. Return its exit status, or -1. */
int run(const char *const argv[]);
/* The same for a line of shell. */
int run_shell(const char *line);
/* Run on this processor alone. Return true if that worked. */
bool stay_on(int cpu);
/* Have two threads make a call at the same moment, each on a processor of its own if there are as many. */
void at_once(void (*call)(void));
/* The nth field of /proc/PID/stat, from the third one on, as proc(5) counts them; 0: no such process. */
uint64_t stat_number(pid_t pid, int n);
/* Wait until a process sleeps in a system call. */
bool wait_in_syscall(pid_t pid, long nr);
/* Wait until a process sleeps in a function of the kernel, also where no signal wakes it. */
bool wait_in_function(pid_t pid, const char *function);
/* Read a byte, or see the end. Return 1, 0, or -1 on an error or when time is up. */
int read_byte(int fd);
/* Read a file into memory with a NUL behind it, which is not counted; NULL on errors. */
char *read_bytes(const char *path, size_t *len);
char *read_file(const char *path);
bool write_file(const char *path, const void *bytes, size_t len);
/* The same with one character. */
bool set_switch(const char *path, char value);
/* The path of the program that runs. */
const char *self_path(void);
/* Give up root for good. Return true if that worked. */
bool become_nobody(void);
/* Give up one capability, CAP_*, until somebody raises it again. Return true if that worked. */
bool drop_cap(unsigned int cap);
/* Be root in namespaces of its own, CLONE_NEWUSER among them. Return true if that worked. */
bool become_root_of_namespaces(int flags);
uint64_t now_ms(void);

#endif /* _SSHOBS_SELFTESTS_LIB_H */
