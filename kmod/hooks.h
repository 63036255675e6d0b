/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The probes: each hooks_*.c turns one subsystem's registers and structs into plain
 * values, and ends in the table of its probes. hooks.c puts them in place.
 *
 * Every handler may not sleep or fault, and returns at once for a task or a socket of
 * no interest: that path is what the host pays. Handlers of probes run with preemption
 * off; those of tracepoints, which newer kernels call with it on, and those that ftrace
 * calls, which run as their function does, turn it off themselves before they look at a
 * session.
 *
 * What only wants to see a function begin, and is called often, is called by ftrace
 * itself: that costs a third of a kprobe, and cannot be missed because an interrupt
 * came in the middle of another probe.
 */
#ifndef _SSHOBS_HOOKS_H
#define _SSHOBS_HOOKS_H

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "../uapi/sshobs.h"

struct sockaddr;
struct sshobs_session;
struct tracepoint;

/*
 * Which probe; the index of its counter and of SSHOBS_IOC_PROBE. They are put in place
 * in this order, and removed in the reverse one: nobody is followed before all that can
 * befall him is seen.
 */
enum sshobs_hook_id {
	SSHOBS_HOOK_TCP_CONN_REQUEST,
	SSHOBS_HOOK_TCP_CLOSE,
	SSHOBS_HOOK_TCP_RCV_SPACE_ADJUST,
	SSHOBS_HOOK_TCP_PROBE,
	SSHOBS_HOOK_TCP_RECEIVE_RESET,
	SSHOBS_HOOK_TCP_FINISH_CONNECT,
	SSHOBS_HOOK_TCP_DONE_WITH_ERROR,
	SSHOBS_HOOK_SOCK_DEF_ERROR_REPORT,
	SSHOBS_HOOK_INET_STREAM_CONNECT,
	SSHOBS_HOOK_INET_DGRAM_CONNECT,
	SSHOBS_HOOK_UNIX_STREAM_CONNECT,
	SSHOBS_HOOK_UNIX_DGRAM_CONNECT,
	SSHOBS_HOOK_UNIX_DGRAM_SENDMSG,
	SSHOBS_HOOK_KERNEL_CLONE,
	SSHOBS_HOOK_WAKE_UP_NEW_TASK,
	SSHOBS_HOOK_BPRM_EXECVE,
	SSHOBS_HOOK_ALLOC_BPRM,
	SSHOBS_HOOK_EXEC,
	SSHOBS_HOOK_COMMIT_CREDS,
	SSHOBS_HOOK_EXIT,
	SSHOBS_HOOK_CGROUP_FILE_NOTIFY,
	SSHOBS_HOOK_DEVPTS_PTY_NEW,
	SSHOBS_HOOK_PTMX_OPEN,
	SSHOBS_HOOK_N_TTY_READ,
	SSHOBS_HOOK_N_TTY_POLL,
	SSHOBS_HOOK_INET_CSK_ACCEPT,
	SSHOBS_HOOK_SECURITY_SOCK_GRAFT,
	SSHOBS_HOOKS,
};

/**
 * struct sshobs_hook - one probe
 * @id: its number
 * @core: without it the module does not load
 * @unneeded: this kernel shows the same facts elsewhere
 * @symbol: the function, or the tracepoint
 * @enter: kprobe: called before the function
 * @leave: return probe: called with its return value
 * @decide: return probe: called before the function; non-zero gives the slot back
 * @trace: tracepoint: called with NULL and the tracepoint's arguments
 * @call: ftrace: called before the function; not to be traced itself
 * @active: it is in place
 * @tried: in the last trial its function was called
 * @silent: and it did not fire
 * @kprobe: kprobe: what the kernel was given
 * @kretprobe: return probe: what the kernel was given
 * @tracepoint: tracepoint: where it is
 * @ops: ftrace: what the kernel was given
 */
struct sshobs_hook {
	enum sshobs_hook_id	id;
	bool			core;
	bool			unneeded;
	const char		*symbol;
	kprobe_pre_handler_t	enter;
	kretprobe_handler_t	leave;
	kretprobe_handler_t	decide;
	void			*trace;
	ftrace_func_t		call;

	bool			active;
	bool			tried;
	bool			silent;
	struct kprobe		kprobe;
	struct kretprobe	kretprobe;
	struct tracepoint	*tracepoint;
	struct ftrace_ops	ops;
};

/**
 * struct sshobs_call - what a return probe keeps between its two handlers
 * @session: of the member whose call it is; the member's own thread is in the call,
 *	so it holds the session
 * @arg: the argument that the return needs
 * @size: bytes at @arg, where the return needs that
 * @protocol: of the socket, where the return needs that
 * @fd: where the path at @arg starts, or AT_FDCWD, where the return needs that
 * @begin_ns: when it began, where the return needs that
 * @nproc: processes of its user when it began, where the return needs that
 * @refusals: of forks of its process by a cgroup when it began, where the return needs that
 */
struct sshobs_call {
	struct sshobs_session	*session;
	const void		*arg;
	u32			size;
	u32			protocol;
	int			fd;
	u64			begin_ns;
	u64			nproc;
	int			refusals;
};

DECLARE_PER_CPU(unsigned long[SSHOBS_HOOKS], sshobs_hits);

/**
 * sshobs_hit() - count that a probe fired; the first thing that each handler does
 * @id: which
 *
 * Context: any.
 */
static inline void sshobs_hit(enum sshobs_hook_id id)
{
	this_cpu_inc(sshobs_hits[id]);
}

/**
 * sshobs_call_begin() - watch how a member's call ends
 * @call: the return probe's data
 * @arg: kept for its return
 *
 * A function that sleeps holds its slot for as long. So that no session can use up
 * the slots of the others, each has a share; a call beyond it is counted and marks
 * that session alone.
 *
 * Context: a return probe's entry. Return: 0: its return will be seen, and must be
 * followed by sshobs_call_end(); 1: not a member's, or beyond its share.
 */
int sshobs_call_begin(struct sshobs_call *call, const void *arg);

/**
 * sshobs_call_end() - the call returned
 * @call: the return probe's data
 *
 * Context: a return probe's return.
 */
void sshobs_call_end(struct sshobs_call *call);

/**
 * sshobs_call_unwatched() - count that it will not be seen how a member's call ends
 * @session: the member's; it is marked
 *
 * Context: any.
 */
void sshobs_call_unwatched(struct sshobs_session *session);

/* The tables at the end of hooks_*.c; an entry without a symbol ends each. */
extern struct sshobs_hook sshobs_hooks_tcp[];
extern struct sshobs_hook sshobs_hooks_wire[];
extern struct sshobs_hook sshobs_hooks_sock[];
extern struct sshobs_hook sshobs_hooks_task[];
extern struct sshobs_hook sshobs_hooks_tty[];

/**
 * sshobs_hooks_tcp_ports() - set the watched ports
 * @ports: TCP ports, in host byte order
 * @count: how many
 *
 * Context: before sshobs_hooks_init().
 */
void sshobs_hooks_tcp_ports(const unsigned short *ports, unsigned int count);

/**
 * sshobs_port_watched() - is it a port whose connections become sessions?
 * @port: TCP port, in host byte order
 *
 * Context: any.
 */
bool sshobs_port_watched(unsigned short port);

struct sock;

/**
 * sshobs_sock_watched() - is it a TCP socket on such a port?
 * @sock: any socket, kept by the caller
 *
 * Context: any.
 */
bool sshobs_sock_watched(const struct sock *sock);

/**
 * sshobs_hooks_tcp_stats() - fill in what is counted here
 * @stats: out: syns, syns_suppressed
 *
 * Context: any but NMI.
 */
void sshobs_hooks_tcp_stats(struct sshobs_stats *stats);

/**
 * sshobs_hooks_wire_begin() - a connection was accepted: tell its clear text
 * @session: its session
 * @sock: its socket, locked by the caller; nothing was read from it or written to it
 *
 * Context: preemption off.
 */
void sshobs_hooks_wire_begin(struct sshobs_session *session, const struct sock *sock);

/**
 * sshobs_hooks_wire_end() - the connection is being closed: nothing is told after it
 * @session: its session, which @sock still leads to
 * @sock: its socket, not locked by the caller
 *
 * Context: process context, RCU read lock or preemption off; takes the socket's spin lock.
 */
void sshobs_hooks_wire_end(struct sshobs_session *session, struct sock *sock);

/**
 * sshobs_hooks_wire_drop() - nothing more is told of a session's clear text
 * @session: the session, whose socket is locked, or was freed and is now another one
 *
 * Context: any.
 */
void sshobs_hooks_wire_drop(struct sshobs_session *session);

/**
 * sshobs_hooks_sock_closed() - a TCP socket closes that a member may be connecting
 * @sock: the socket
 *
 * Context: process context, as long as the caller keeps @sock.
 */
void sshobs_hooks_sock_closed(const struct sock *sock);

/**
 * sshobs_hooks_sock_reset() - a reset came for a TCP socket that a member may be connecting
 * @sock: the socket, locked by the caller; nobody was told of the reset yet
 *
 * Context: any but NMI.
 */
void sshobs_hooks_sock_reset(const struct sock *sock);

/**
 * sshobs_endpoint() - a socket address as a record has it
 * @end: out, zeroed by the caller; family 0 where it is of another family
 * @addr: the address, in the kernel's memory
 * @size: its bytes
 *
 * Context: any.
 */
void sshobs_endpoint(struct sshobs_endpoint *end, const struct sockaddr *addr, u32 size);

/**
 * sshobs_endpoints() - the two ends of a connected TCP socket
 * @sock: the socket
 * @peer: out, zeroed by the caller
 * @local: out, zeroed by the caller
 *
 * Context: any; the caller keeps @sock.
 */
void sshobs_endpoints(const struct sock *sock, struct sshobs_endpoint *peer,
		      struct sshobs_endpoint *local);

/**
 * sshobs_hooks_init() - put all probes in place
 *
 * Context: may sleep. Return: 0, or the error of a core probe, told in the log,
 * with none in place.
 */
int sshobs_hooks_init(void);

/**
 * sshobs_hooks_exit() - remove all probes
 *
 * Context: may sleep. No handler runs when it returns.
 */
void sshobs_hooks_exit(void);

/**
 * sshobs_hooks_active() - is a probe in place?
 * @id: which
 *
 * Context: any, between sshobs_hooks_init() and sshobs_hooks_exit().
 */
bool sshobs_hooks_active(enum sshobs_hook_id id);

/**
 * sshobs_hooks_seen() - times that the kernel came by a probe, whether it could call it or not
 * @id: which
 *
 * Context: any, after sshobs_hooks_init().
 */
u64 sshobs_hooks_seen(enum sshobs_hook_id id);

/**
 * sshobs_hooks_tried() - note what a trial found
 * @id: which
 * @called: its function was called; else nothing is known
 * @fired: it was seen since then
 *
 * Context: one at a time.
 */
void sshobs_hooks_tried(enum sshobs_hook_id id, bool called, bool fired);

/**
 * sshobs_hooks_alive() - may the module stay, for what the trial found?
 *
 * Probes that did not fire are told in the log. Context: may sleep. Return: 0, or -ENXIO
 * where it is a core one.
 */
int sshobs_hooks_alive(void);

/**
 * sshobs_hooks_missed() - hits that the kernel skipped, of all probes
 *
 * Context: any.
 */
u64 sshobs_hooks_missed(void);

/**
 * sshobs_hooks_unwatched() - calls of members that were beyond their session's share
 *
 * Context: any.
 */
u64 sshobs_hooks_unwatched(void);

/**
 * sshobs_hooks_probe() - describe one probe
 * @probe: in: index; out: the rest, over zeroes
 *
 * Context: may be preempted; reads without a lock. Return: 0, or -ENOENT past the last.
 */
int sshobs_hooks_probe(struct sshobs_probe *probe);

#endif /* _SSHOBS_HOOKS_H */
