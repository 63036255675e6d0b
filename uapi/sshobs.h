/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * sshobs: what happened during an SSH login, event by event.
 *
 * The only contract between the kernel module and user space. The rules of the
 * stream that /dev/sshobs carries:
 *
 * - A record is a struct sshobs_hdr and a body, one after the other, aligned to
 *   8 bytes. Native byte order. Padding is named and zero. No record and no
 *   ioctl carries a kernel address.
 * - The stream grows by new types and by longer headers and bodies; what stands
 *   never changes. A reader skips a type that it does not know, finds the body
 *   at hdr_len, and takes fields past the len that it knows as absent.
 * - Each open file has a cursor of its own and sees every record. It starts at
 *   the oldest record that the ring holds. Writers never wait for a reader: the
 *   oldest records are overwritten, and a reader that was overtaken gets one
 *   SSHOBS_LOST with the exact count and goes on at the oldest that stands.
 *   For every reader, received + lost = written.
 * - seq counts the records of the stream, session_seq those of one session,
 *   both from 1 and without a gap: a gap is a loss.
 * - read() returns text until SSHOBS_IOC_SET_FORMAT asks for records: one line a
 *   record, whatever a user or the network controls escaped in it. Only whole
 *   records and lines are returned: a buffer too small for the next record is
 *   EINVAL, and the record stays. A line that is longer than the buffer is
 *   continued by the next read(), down to a single byte: mawk(1) asks for what
 *   its buffer has left, and looks at nothing before that is full (4096 bytes,
 *   262144 in its newer versions), unless told to by -W interactive.
 * - read() blocks while there is nothing, or returns EAGAIN with O_NONBLOCK;
 *   poll() says POLLIN when read() would return something, or in a moment, when
 *   a record that is being written is whole. EINTR on a signal.
 * - lseek(SEEK_SET, 0) goes to the oldest record that stands, lseek(SEEK_END, 0)
 *   to what comes next; any other offset is ESPIPE, any other whence EINVAL.
 * - write() adds one SSHOBS_MARK: 1 to SSHOBS_MARK_MAX bytes, else EINVAL.
 * - open() wants CAP_PERFMON or CAP_SYS_ADMIN in the initial user namespace,
 *   else EPERM. It is asked of whoever opens: a process that the open file was
 *   passed to may go on reading from it, as from any other. SSHOBS_IOC_SNAPSHOT
 *   asks whoever calls.
 * - mmap() is ENODEV, splice(2) and sendfile(2) are EINVAL.
 * - An ioctl that is not listed here is ENOTTY; a flag that is not listed and
 *   padding that is not zero are EINVAL; a bad pointer is EFAULT.
 */
#ifndef _UAPI_SSHOBS_H
#define _UAPI_SSHOBS_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Counts incompatible changes of this file; none is planned. */
#define SSHOBS_ABI		1

/* Size of the longest record, header included: a buffer of this many bytes
 * never gets EINVAL from a binary read().
 */
#define SSHOBS_RECORD_MAX	8448

/* Bytes of path, argv, mark, clear text and log line that a record holds at the most. */
#define SSHOBS_PATH_MAX		4096
#define SSHOBS_ARGV_MAX		4096
#define SSHOBS_MARK_MAX		1024
#define SSHOBS_WIRE_MAX		4096
#define SSHOBS_LOG_MAX		2048

/* Bytes and records of clear text that are told of one direction of a session. */
#define SSHOBS_WIRE_BYTES_MAX	65536
#define SSHOBS_WIRE_RECORDS_MAX	256

#define SSHOBS_COMM_LEN		16
#define SSHOBS_TTY_LEN		16

/**
 * enum sshobs_type - what a record tells, and which body it has
 * @SSHOBS_ACCEPT: a watched port's server took a connection: a session is born
 *	(struct sshobs_accept)
 * @SSHOBS_CLONE: a member, or the task that accepted, made a child that is now a
 *	member (struct sshobs_clone)
 * @SSHOBS_CLONE_FAIL: a member's fork failed (struct sshobs_clone_fail)
 * @SSHOBS_EXEC: a member became a program (struct sshobs_exec)
 * @SSHOBS_EXEC_FAIL: a member's execve failed (struct sshobs_exec_fail). Not told: what
 *	fails before the file is looked for, or after it was opened and before it is
 *	read, which is EFAULT, E2BIG and the EAGAIN of RLIMIT_NPROC
 * @SSHOBS_CRED: a member's credentials changed (struct sshobs_cred)
 * @SSHOBS_PTY: a member allocated a pseudo terminal (struct sshobs_pty)
 * @SSHOBS_PROMPT: a member waits for its terminal's input for the first time
 *	since its exec (struct sshobs_pty)
 * @SSHOBS_EXIT: the last thread of a member ended (struct sshobs_exit)
 * @SSHOBS_CLOSE: the session's socket was closed by its last holder
 *	(struct sshobs_close)
 * @SSHOBS_END: the last member is gone and the socket is closed
 *	(struct sshobs_end)
 * @SSHOBS_ADOPT: a session that was up when the module was loaded
 *	(struct sshobs_accept)
 * @SSHOBS_MARK: somebody wrote a line to the device (struct sshobs_mark)
 * @SSHOBS_LOST: this reader was overtaken (struct sshobs_lost)
 * @SSHOBS_SYN: a SYN reached a watched port; belongs to no session yet, and is told at a
 *	limited rate (struct sshobs_syn)
 * @SSHOBS_ESTABLISHED: how the handshake of a session went; told when the connection is
 *	accepted, right before SSHOBS_ACCEPT (struct sshobs_established)
 * @SSHOBS_WIRE: clear text of a session's connection, up to the message that turns
 *	encryption on (struct sshobs_wire)
 * @SSHOBS_LOG: a member sent a line to the system's log, or, in no session, a server
 *	that accepts on a watched port did (struct sshobs_log)
 * @SSHOBS_CONNECT: a member connected a socket (struct sshobs_connect)
 * @SSHOBS_READING: a process of a session as it was at a prompt (struct sshobs_reading)
 * @SSHOBS_PTY_FAIL: a member got no pseudo terminal (struct sshobs_pty_fail)
 */
enum sshobs_type {
	SSHOBS_ACCEPT		= 1,
	SSHOBS_CLONE		= 2,
	SSHOBS_CLONE_FAIL	= 3,
	SSHOBS_EXEC		= 4,
	SSHOBS_EXEC_FAIL	= 5,
	SSHOBS_CRED		= 6,
	SSHOBS_PTY		= 7,
	SSHOBS_PROMPT		= 8,
	SSHOBS_EXIT		= 9,
	SSHOBS_CLOSE		= 10,
	SSHOBS_END		= 11,
	SSHOBS_ADOPT		= 12,
	SSHOBS_MARK		= 13,
	SSHOBS_LOST		= 14,
	SSHOBS_SYN		= 15,
	SSHOBS_ESTABLISHED	= 16,
	SSHOBS_WIRE		= 17,
	SSHOBS_LOG		= 18,
	SSHOBS_CONNECT		= 19,
	SSHOBS_READING		= 20,
	SSHOBS_PTY_FAIL		= 21,
};

/**
 * struct sshobs_hdr - what every record begins with
 * @len: bytes of the whole record with header, body and padding; a multiple of 8
 * @hdr_len: bytes of the header; the body begins here
 * @type: enum sshobs_type
 * @seq: number of the record in the stream, from 1. In SSHOBS_LOST, the number
 *	of the first record that was lost
 * @time_ns: CLOCK_MONOTONIC; never falls from one record to the next
 * @session: number of the session, from 1; 0: the record belongs to none
 * @session_seq: number of the record in its session, from 1; 0 without a session
 * @pid: process (thread group) that the event happened in, as the initial pid
 *	namespace numbers it; 0: none
 * @tid: thread of that process
 * @cpu_ns: CPU time that the thread @tid had consumed by then, user and system.
 *	Between two records of a thread, wall time minus CPU time is waiting
 * @comm: name of the thread, padded with NUL; its user can set it, so escape it
 * @run_delay_ns: time for which the thread @tid had been ready to run by then, and no
 *	processor took it, as /proc/PID/schedstat has it. Absent from the records of
 *	the first version; 0 on kernels without CONFIG_SCHED_INFO
 */
struct sshobs_hdr {
	__u32	len;
	__u16	hdr_len;
	__u16	type;
	__u64	seq;
	__u64	time_ns;
	__u64	session;
	__u64	session_seq;
	__u32	pid;
	__u32	tid;
	__u64	cpu_ns;
	char	comm[SSHOBS_COMM_LEN];
	__u64	run_delay_ns;
};

/**
 * struct sshobs_endpoint - one end of a TCP connection
 * @addr: address in network byte order; the first 4 bytes for AF_INET, all 16 for
 *	AF_INET6
 * @family: AF_INET or AF_INET6. An IPv4 connection to an IPv6 socket
 *	(::ffff:a.b.c.d) is AF_INET, as sshd logs it
 * @port: TCP port, in host byte order
 * @scope_id: interface index of a link-local IPv6 address, else 0
 */
struct sshobs_endpoint {
	__u8	addr[16];
	__u16	family;
	__u16	port;
	__u32	scope_id;
};

/**
 * struct sshobs_accept - body of SSHOBS_ACCEPT and SSHOBS_ADOPT
 * @peer: the client's end
 * @local: the server's end
 * @cookie: the socket's cookie, as "ss -e" prints it after "sk:"
 * @start_ns: CLOCK_MONOTONIC time at which the session began. For accept when the
 *	server was given the connection; for adopt the start of the oldest process that holds the
 *	socket, which is the nearest that the kernel still knows
 * @backlog: connections that waited in the accept queue when the server asked for
 *	this one, without it; 0 for adopt
 * @pad: zero
 * @queue_ns: time that the connection waited in the accept queue: from the last ACK
 *	of its handshake until now. Absent from the records of the first version; 0
 *	there and for adopt
 */
struct sshobs_accept {
	struct sshobs_endpoint	peer;
	struct sshobs_endpoint	local;
	__u64			cookie;
	__u64			start_ns;
	__u32			backlog;
	__u32			pad;
	__u64			queue_ns;
};

/* struct sshobs_clone.how */
/* The child held the sockets of several sessions, or one that exec might close,
 * and was linked only at the exec that settled it; the record is written then, and
 * tells of its parent then: another one, where the first one has gone.
 */
#define SSHOBS_CLONE_LATE	(1U << 0)
/* The child was there before the module; the record tells of its parent today. */
#define SSHOBS_CLONE_ADOPTED	(1U << 1)

/**
 * struct sshobs_clone - body of SSHOBS_CLONE; the header's task is the parent
 * @flags: CLONE_* of linux/sched.h: what the child was seen to share with its
 *	parent (CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD), the
 *	namespaces that it does not (CLONE_NEW*), CLONE_VFORK and CLONE_PARENT.
 *	0 where @how is not 0: nobody looked at the right moment
 * @start_ns: CLOCK_MONOTONIC time at which the child began
 * @child: pid of the child in the initial pid namespace; with CLONE_THREAD, its tid
 * @how: SSHOBS_CLONE_* above, 0: linked before it could run
 */
struct sshobs_clone {
	__u64	flags;
	__u64	start_ns;
	__u32	child;
	__u32	how;
};

/* A limit that there is not, as in struct sshobs_limit and struct sshobs_clone_fail. */
#define SSHOBS_UNLIMITED	(~(__u64)0)

/* struct sshobs_limit.used: the kernel does not count what counts against it */
#define SSHOBS_UNCOUNTED	(~(__u64)0)

/**
 * struct sshobs_limit - one resource limit, in the unit of getrlimit(2)
 * @soft: soft limit; SSHOBS_UNLIMITED: none
 * @hard: hard limit; SSHOBS_UNLIMITED: none
 * @used: what counts against it now; SSHOBS_UNCOUNTED: not known. RLIMIT_NPROC,
 *	RLIMIT_SIGPENDING and RLIMIT_MSGQUEUE count all that the real user has
 */
struct sshobs_limit {
	__u64	soft;
	__u64	hard;
	__u64	used;
};

/**
 * enum sshobs_fork_limit - the limit for which a fork failed with EAGAIN
 * @SSHOBS_FORK_UNKNOWN: another error, or not known
 * @SSHOBS_FORK_NPROC: RLIMIT_NPROC of the user
 * @SSHOBS_FORK_PIDS: pids.max of a cgroup
 * @SSHOBS_FORK_SYSTEM: neither: what is left is kernel.threads-max and kernel.pid_max
 */
enum sshobs_fork_limit {
	SSHOBS_FORK_UNKNOWN	= 0,
	SSHOBS_FORK_NPROC	= 1,
	SSHOBS_FORK_PIDS	= 2,
	SSHOBS_FORK_SYSTEM	= 3,
};

/**
 * struct sshobs_clone_fail - body of SSHOBS_CLONE_FAIL
 * @nproc_soft: RLIMIT_NPROC, soft; SSHOBS_UNLIMITED: none. The kernel does not hold root
 *	to it, nor who has CAP_SYS_RESOURCE or CAP_SYS_ADMIN
 * @nproc_hard: RLIMIT_NPROC, hard
 * @nproc_used: processes that the kernel counted against it: when the fork began or when
 *	it had failed, whichever is more
 * @error: errno, positive: EAGAIN, ENOMEM, ...
 * @pad: zero
 * @limit: enum sshobs_fork_limit. Absent from the records of the first version; 0 there
 * @pad2: zero
 */
struct sshobs_clone_fail {
	__u64	nproc_soft;
	__u64	nproc_hard;
	__u64	nproc_used;
	__u32	error;
	__u32	pad;
	__u32	limit;
	__u32	pad2;
};

/* struct sshobs_exec.flags */
/* The program was running before the module was loaded. */
#define SSHOBS_EXEC_ADOPTED	(1U << 0)
/*
 * Part of the arguments could not be read without waiting for the disk, or for whoever
 * answers for a file that the process has mapped there.
 */
#define SSHOBS_EXEC_ARGV_UNREAD	(1U << 1)

/**
 * struct sshobs_exec - body of SSHOBS_EXEC
 * @uid: real user id in the initial user namespace
 * @flags: SSHOBS_EXEC_* above
 * @tty: controlling terminal ("pts/0", "ttyS0"), padded with NUL; empty: none
 * @path_len: bytes of the path in @data, without a NUL
 * @path_total: bytes that the path has; more than @path_len: it was cut
 * @argv_len: bytes of the arguments in @data after the path
 * @argv_total: bytes that the arguments have; more than @argv_len: they were cut
 * @data: the path as given to execve, then the arguments, a NUL after each one that
 *	was not cut; read from the new program's memory, not from the caller's
 */
struct sshobs_exec {
	__u32	uid;
	__u32	flags;
	char	tty[SSHOBS_TTY_LEN];
	__u32	path_len;
	__u32	path_total;
	__u32	argv_len;
	__u32	argv_total;
	__u8	data[];
};

/**
 * struct sshobs_exec_fail - body of SSHOBS_EXEC_FAIL
 * @error: errno, positive: ENOENT, EACCES, ENOEXEC, ...
 * @path_len: bytes of the path in @data, without a NUL
 * @path_total: bytes that the path has; more than @path_len: it was cut
 * @pad: zero
 * @data: the path as given to execve; /dev/fd/N/path where it was to start at descriptor
 *	N. With ENOMEM and EFAULT, where RLIMIT_AS is set, struct sshobs_limit of it follows
 *	at the next multiple of 8: used is the address space that the process had when the
 *	execve gave up. Absent from the records of the first version
 */
struct sshobs_exec_fail {
	__u32	error;
	__u32	path_len;
	__u32	path_total;
	__u32	pad;
	__u8	data[];
};

/**
 * struct sshobs_ids - who a task is, in the initial user namespace
 * @uid: real user id
 * @euid: effective user id
 * @suid: saved user id
 * @gid: real group id
 * @cap_eff: effective capabilities, bit n is capability n
 */
struct sshobs_ids {
	__u32	uid;
	__u32	euid;
	__u32	suid;
	__u32	gid;
	__u64	cap_eff;
};

/**
 * struct sshobs_cred - body of SSHOBS_CRED; the two are never equal
 * @before: the credentials until now
 * @after: the credentials from now on
 */
struct sshobs_cred {
	struct sshobs_ids	before;
	struct sshobs_ids	after;
};

/**
 * struct sshobs_pty - body of SSHOBS_PTY and SSHOBS_PROMPT
 * @pts: index of the terminal: N of /dev/pts/N
 * @pad: zero
 */
struct sshobs_pty {
	__u32	pts;
	__u32	pad;
};

/**
 * struct sshobs_pty_fail - body of SSHOBS_PTY_FAIL: what open(2) of /dev/ptmx failed with
 * @error: errno, positive. ENOSPC: kernel.pty.max, or max= of the devpts mount, is reached
 * @pad: zero
 */
struct sshobs_pty_fail {
	__u32	error;
	__u32	pad;
};

/**
 * struct sshobs_exit - body of SSHOBS_EXIT
 * @code: exit status, 0 to 255; 0 where @signal is not 0
 * @signal: number of the signal that ended it; 0: it exited
 * @utime_ns: user CPU time of all its threads
 * @stime_ns: system CPU time of all its threads
 * @maxrss_kb: largest resident set that it had, in KiB
 * @limits: which limits it lived at the edge of in the end: bit N is RLIMIT_N. Absent from the
 *	records of the first version; 0 there. RLIMIT_NOFILE: at most one descriptor was free,
 *	used are those below the soft limit; not told where that is below 3, by which sshd's
 *	sandbox is to open nothing at all. RLIMIT_NPROC: it took the identity of a user who had
 *	more processes than he may have, and neither forked nor executed anything since; all that
 *	it tried to execute failed with EAGAIN, used are the user's processes now. RLIMIT_AS,
 *	RLIMIT_DATA: it was held to one, which may or may not have mattered; its memory is gone,
 *	used is SSHOBS_UNCOUNTED
 * @pad: zero
 * @limit: those limits, in the order of their bits
 */
struct sshobs_exit {
	__u32			code;
	__u32			signal;
	__u64			utime_ns;
	__u64			stime_ns;
	__u64			maxrss_kb;
	__u32			limits;
	__u32			pad;
	struct sshobs_limit	limit[];
};

/* struct sshobs_close.flags */
/* The connection was reset, by the peer or by a time-out, and not shut down. */
#define SSHOBS_CLOSE_RESET	(1U << 0)

/**
 * struct sshobs_close - body of SSHOBS_CLOSE
 * @peer: the client's end; port 0 where the server had disconnected the socket
 * @local: the server's end; the socket's last one where it had bound it anew
 * @bytes_received: payload bytes that arrived
 * @bytes_sent: payload bytes that were sent, with what was sent again
 * @srtt_us: smoothed round trip time, in microseconds
 * @retransmits: segments that were sent again
 * @flags: SSHOBS_CLOSE_* above
 * @pad: zero
 */
struct sshobs_close {
	struct sshobs_endpoint	peer;
	struct sshobs_endpoint	local;
	__u64			bytes_received;
	__u64			bytes_sent;
	__u32			srtt_us;
	__u32			retransmits;
	__u32			flags;
	__u32			pad;
};

/* struct sshobs_end.flags */
/* No process ever joined: the server closed the connection itself. */
#define SSHOBS_END_REFUSED		(1U << 0)

/* struct sshobs_end.incomplete: what may be missing from this session */
/* It was up before the module was loaded. */
#define SSHOBS_INCOMPLETE_ADOPTED	(1U << 0)
/*
 * A child was not followed: max_tasks was reached, or memory; or a program that came of it
 * still holds connections of several sessions, or more than 65,536 descriptors, so that it is
 * not known which session it belongs to.
 */
#define SSHOBS_INCOMPLETE_TASKS		(1U << 1)
/* The kernel skipped a probe while the session was up. */
#define SSHOBS_INCOMPLETE_MISSED	(1U << 2)
/* Too many of its own calls slept, or connected, at once: how some ended was not watched. */
#define SSHOBS_INCOMPLETE_UNWATCHED	(1U << 3)
/* A record found no room in the ring. */
#define SSHOBS_INCOMPLETE_DROPPED	(1U << 4)
/*
 * Clear text was beyond SSHOBS_WIRE_*_MAX, left before it could be read, or was still to be
 * sent when the connection was closed.
 */
#define SSHOBS_INCOMPLETE_WIRE		(1U << 5)
/* Its processes were not read at one of its prompts. */
#define SSHOBS_INCOMPLETE_READING	(1U << 6)

/**
 * struct sshobs_end - body of SSHOBS_END
 * @duration_ns: from accept to now
 * @processes: processes that were members
 * @execs: programs that they became
 * @flags: SSHOBS_END_* above
 * @incomplete: SSHOBS_INCOMPLETE_* above; 0: the stream has all there was
 */
struct sshobs_end {
	__u64	duration_ns;
	__u32	processes;
	__u32	execs;
	__u32	flags;
	__u32	incomplete;
};

/**
 * struct sshobs_mark - body of SSHOBS_MARK
 * @text_len: bytes of @text
 * @pad: zero
 * @text: what was written, without a newline at its end unless that is all; escape it
 */
struct sshobs_mark {
	__u32	text_len;
	__u32	pad;
	__u8	text[];
};

/**
 * struct sshobs_lost - body of SSHOBS_LOST; written for one reader, at its place
 * @count: records that this reader did not get: those numbered from the header's
 *	seq to seq + count - 1
 */
struct sshobs_lost {
	__u64	count;
};

/**
 * struct sshobs_syn - body of SSHOBS_SYN; the header's pid is 0
 * @peer: the client's end
 * @local: the server's end
 * @peer_isn: sequence number of the SYN
 * @window: its window, not scaled
 * @backlog: connections that waited in the accept queue then
 * @backlog_max: how many may wait there; at more, the kernel drops the SYN
 * @suppressed: SYNs to watched ports that were not told since the last one that was
 * @pad: zero
 */
struct sshobs_syn {
	struct sshobs_endpoint	peer;
	struct sshobs_endpoint	local;
	__u32			peer_isn;
	__u32			window;
	__u32			backlog;
	__u32			backlog_max;
	__u32			suppressed;
	__u32			pad;
};

/**
 * struct sshobs_established - body of SSHOBS_ESTABLISHED; all times are CLOCK_MONOTONIC
 * @peer: the client's end
 * @local: the server's end
 * @syn_ns: when its SYN came, the first one if there were more; 0: unknown, because
 *	later SYNs took its place in the table of handshakes
 * @synack_ns: when the SYN-ACK was sent; 0: unknown (SYN cookies, or it was sent
 *	again). In whole microseconds
 * @established_ns: when the last ACK of the handshake came. In whole microseconds
 * @peer_isn: initial sequence number of the client
 * @local_isn: initial sequence number of the server
 * @rtt_us: from the SYN-ACK to the ACK; 0 where @synack_ns is
 * @syns: SYNs that came for this connection; more than 1: retransmitted; 0: unknown
 * @syns_dropped: of those, how many the kernel dropped because the accept queue was
 *	full. As the next two, absent from the records of the first version; 0 there
 * @backlog: connections that waited in the accept queue when the last of those came;
 *	0 where @syns_dropped is
 * @backlog_max: how many might wait there then; 0 where @syns_dropped is
 * @pad: zero
 */
struct sshobs_established {
	struct sshobs_endpoint	peer;
	struct sshobs_endpoint	local;
	__u64			syn_ns;
	__u64			synack_ns;
	__u64			established_ns;
	__u32			peer_isn;
	__u32			local_isn;
	__u32			rtt_us;
	__u32			syns;
	__u32			syns_dropped;
	__u32			backlog;
	__u32			backlog_max;
	__u32			pad;
};

/**
 * enum sshobs_direction - struct sshobs_wire.direction
 * @SSHOBS_WIRE_IN: from the client to the server
 * @SSHOBS_WIRE_OUT: from the server to the client
 */
enum sshobs_direction {
	SSHOBS_WIRE_IN	= 0,
	SSHOBS_WIRE_OUT	= 1,
};

/* struct sshobs_wire.flags */
/* The record ends with the last byte of its line or message. */
#define SSHOBS_WIRE_WHOLE	(1U << 0)
/* The last of its direction: what follows is encrypted. */
#define SSHOBS_WIRE_LAST	(1U << 1)
/* The last of its direction: it has no framing of SSH. */
#define SSHOBS_WIRE_FOREIGN	(1U << 2)
/* The last of its direction: clear text follows that is not told. */
#define SSHOBS_WIRE_CUT		(1U << 3)

/**
 * struct sshobs_wire - body of SSHOBS_WIRE; a line before the version exchange is over,
 * or one message of the binary packet protocol (RFC 4253), or a piece of one
 *
 * What came in is told when the server has read it, by the thread that read it; a line or
 * message that it has not read to its end when it closes, by the thread that closes. What
 * went out is told when the network answers, with header pid 0; @net_ns is when it went.
 *
 * @offset: bytes of this direction before @data
 * @net_ns: CLOCK_MONOTONIC time at which the network saw it: in: when the newest segment
 *	that had been received by then came; out: when it was sent (again, if it was)
 * @at: bytes of the same line or message before @data
 * @message_len: bytes of the whole message with its length field and padding; 0 for a line
 * @data_len: bytes of @data, at most SSHOBS_WIRE_MAX; may be 0 with SSHOBS_WIRE_CUT
 * @direction: enum sshobs_direction
 * @message: number of the message (20 is SSH_MSG_KEXINIT, 21 SSH_MSG_NEWKEYS); 0: a line
 * @flags: SSHOBS_WIRE_* above
 * @pad: zero
 * @data: the bytes; escape them
 */
struct sshobs_wire {
	__u64	offset;
	__u64	net_ns;
	__u32	at;
	__u32	message_len;
	__u32	data_len;
	__u8	direction;
	__u8	message;
	__u8	flags;
	__u8	pad;
	__u8	data[];
};

/**
 * struct sshobs_log - body of SSHOBS_LOG
 * @priority: facility * 8 + severity, as syslog(3) has them; 0 where @text_len is 0 too:
 *	nothing of the line could be read
 * @text_len: bytes of @text
 * @text_total: bytes that the line has; more than @text_len: it was cut, or the rest was
 *	not in memory when it was sent
 * @pad: zero
 * @text: the datagram after its "<priority>", as it was sent: a time stamp, the name of
 *	the program, and the message; escape it
 */
struct sshobs_log {
	__u32	priority;
	__u32	text_len;
	__u32	text_total;
	__u32	pad;
	__u8	text[];
};

/* struct sshobs_connect.flags */
/* It has begun; a second record tells how it ended. The only one for other protocols of
 * streams than TCP.
 */
#define SSHOBS_CONNECT_BEGUN	(1U << 0)
/* TCP: the socket was closed before the peer had answered, or time was up. */
#define SSHOBS_CONNECT_ABANDONED	(1U << 1)
/* TCP: this host itself refused it at once, and no packet left: it has no route or no
 * free port. Which errno the call returned is not known; told when the socket is closed,
 * or connects again. So is one that failed later, up to Linux 6.0, if somebody who did not
 * wait for it took its error from the socket in that very moment; and one that was to begin
 * with what the program writes (TCP_FASTOPEN_CONNECT), where it wrote nothing.
 */
#define SSHOBS_CONNECT_UNSENT	(1U << 2)

/**
 * struct sshobs_connect - body of SSHOBS_CONNECT
 *
 * One record for each connect to an address of the socket's kind, when it returns. For
 * each of TCP two, since it may go on for long, and after the call (O_NONBLOCK, a signal,
 * SO_SNDTIMEO): one with SSHOBS_CONNECT_BEGUN when the call begins, and one when it is known
 * how the connection ended. They belong together where tid and @peer are the same, and
 * time_ns of the first is time_ns - @duration_ns of the second. Both have the task that began
 * it in the header, which may be gone by the second one, and ran elsewhere while that was
 * written: its cpu_ns and run_delay_ns are then those of the scheduler's last look.
 *
 * There is no second one while the connection is neither made nor given up; where it was
 * made without a SYN-ACK, since both sides began at once; of MPTCP, whose begin some kernels
 * make two of, one with IPPROTO_TCP; and for connections beyond 32 of a session at the same
 * time, which mark it with SSHOBS_INCOMPLETE_UNWATCHED.
 *
 * @peer: where to, for AF_INET and AF_INET6; for AF_UNIX its family alone
 * @duration_ns: time from its begin until this record; 0 with SSHOBS_CONNECT_BEGUN
 * @error: errno, positive; 0: connected, unless @flags tell otherwise. EINTR also where a
 *	signal's handler (SA_RESTART) has the call begin anew, which is told as another one
 * @flags: SSHOBS_CONNECT_* above
 * @path_len: AF_UNIX: bytes of @path
 * @protocol: IPPROTO_TCP, IPPROTO_UDP, ...; 0 for AF_UNIX
 * @path: AF_UNIX: the path without a NUL at its end, or a NUL and an abstract name
 */
struct sshobs_connect {
	struct sshobs_endpoint	peer;
	__u64			duration_ns;
	__u32			error;
	__u32			flags;
	__u32			path_len;
	__u32			protocol;
	__u8			path[];
};

/* Processes of a session that are read at a prompt, at the most. */
#define SSHOBS_READINGS_MAX	64

/* struct sshobs_reading.flags */
/* The last one of its prompt. */
#define SSHOBS_READING_LAST	(1U << 0)
/* The last one of its prompt, and there were more than SSHOBS_READINGS_MAX processes. */
#define SSHOBS_READING_CUT	(1U << 1)

/**
 * struct sshobs_reading - body of SSHOBS_READING; the header's pid is the process that was
 * read. One for each process that the session has right after it came to a prompt, and none
 * where all of them are gone by then: their exits are told
 *
 * @prompt_ns: CLOCK_MONOTONIC time at which it was asked for: when the prompt was told
 * @rss_kb: resident set (VmRSS), in KiB; 0 for a zombie
 * @vm_kb: size of its address space (VmSize), in KiB
 * @fds: open file descriptors
 * @fds_soft: RLIMIT_NOFILE, soft
 * @fds_hard: RLIMIT_NOFILE, hard
 * @ids: who it is
 * @pts: of the SSHOBS_PROMPT
 * @threads: how many it has
 * @flags: SSHOBS_READING_* above
 * @state: one letter, as ps(1) prints it: R, S, D, T, t, Z
 * @pad: zero
 */
struct sshobs_reading {
	__u64			prompt_ns;
	__u64			rss_kb;
	__u64			vm_kb;
	__u64			fds;
	__u64			fds_soft;
	__u64			fds_hard;
	struct sshobs_ids	ids;
	__u32			pts;
	__u32			threads;
	__u32			flags;
	char			state;
	char			pad[3];
};

/**
 * struct sshobs_info - answer of SSHOBS_IOC_INFO
 * @abi: SSHOBS_ABI of the module
 * @format: enum sshobs_format that this open file is set to
 * @realtime_offset_ns: add it to a time_ns to get CLOCK_REALTIME; it moves when the
 *	clock is set
 * @next_seq: number that the next record will get: records written so far + 1
 * @oldest_seq: number of the oldest record that the ring holds; @next_seq if none
 */
struct sshobs_info {
	__u32	abi;
	__u32	format;
	__s64	realtime_offset_ns;
	__u64	next_seq;
	__u64	oldest_seq;
};

/**
 * enum sshobs_format - what read() returns; argument of SSHOBS_IOC_SET_FORMAT
 * @SSHOBS_FORMAT_TEXT: a line of text for each record; how an open file starts
 * @SSHOBS_FORMAT_BINARY: the records as they stand in this file
 */
enum sshobs_format {
	SSHOBS_FORMAT_TEXT	= 0,
	SSHOBS_FORMAT_BINARY	= 1,
};

/**
 * struct sshobs_stats - answer of SSHOBS_IOC_STATS; counts are since load
 * @written: records that were numbered
 * @dropped: of those, how many found the ring held by a writer that had not
 *	finished and were never stored; every reader counts them as lost
 * @overwritten: of those, how many the ring no longer holds
 * @ring_bytes: size of the ring
 * @readers: open files
 * @sessions: sessions that are up
 * @sessions_total: sessions that there were
 * @sessions_untracked: connections that were accepted beyond max_sessions, without
 *	memory to follow them, or by MPTCP, which is not followed
 * @tasks: processes that are followed: members, servers that accepted, and children
 *	of those that are not settled yet
 * @tasks_total: processes that were followed
 * @tasks_untracked: children that were not followed: SSHOBS_INCOMPLETE_TASKS tells why
 * @unwatched: calls of members whose outcome was not watched, since too many of
 *	their session slept in such calls at once
 * @missed: sum of the misses of all probes
 * @syns: SYNs that came to watched ports
 * @syns_suppressed: of those, how many have no record
 */
struct sshobs_stats {
	__u64	written;
	__u64	dropped;
	__u64	overwritten;
	__u64	ring_bytes;
	__u64	readers;
	__u64	sessions;
	__u64	sessions_total;
	__u64	sessions_untracked;
	__u64	tasks;
	__u64	tasks_total;
	__u64	tasks_untracked;
	__u64	unwatched;
	__u64	missed;
	__u64	syns;
	__u64	syns_suppressed;
};

/* struct sshobs_probe.flags */
/* The probe is in place. Else the kernel has no such symbol, or has switched the probe off,
 * unless it is unneeded.
 */
#define SSHOBS_PROBE_ACTIVE	(1U << 0)
/* Without this probe the module would not have been loaded. */
#define SSHOBS_PROBE_CORE	(1U << 1)
/* This kernel shows the same facts elsewhere: the probe was left out. */
#define SSHOBS_PROBE_UNNEEDED	(1U << 2)
/* In the last trial, at load or by SSHOBS_IOC_TRIAL, its function was called. */
#define SSHOBS_PROBE_TRIED	(1U << 3)
/* And the probe did not fire: its events do not come. */
#define SSHOBS_PROBE_SILENT	(1U << 4)

/**
 * struct sshobs_probe - argument and answer of SSHOBS_IOC_PROBE
 * @index: in: which probe, from 0; past the last one, the ioctl is ENOENT
 * @flags: in: zero; out: SSHOBS_PROBE_* above
 * @hits: times that the probe fired, whoever the task was
 * @misses: times that the kernel could not call it
 * @kind: "kprobe", "kretprobe", "ftrace" or "tracepoint", padded with NUL
 * @symbol: the function or tracepoint, padded with NUL
 */
struct sshobs_probe {
	__u32	index;
	__u32	flags;
	__u64	hits;
	__u64	misses;
	char	kind[16];
	char	symbol[48];
};

/* struct sshobs_snapshot.start_ns: whoever has the pid now */
#define SSHOBS_SNAPSHOT_ANY	0

/**
 * enum sshobs_snapshot_what - what SSHOBS_IOC_SNAPSHOT reads, and what it writes to the buffer
 * @SSHOBS_SNAPSHOT_TASK: one struct sshobs_task_info
 * @SSHOBS_SNAPSHOT_FDS: a struct sshobs_fd for each open file descriptor, in rising order;
 *	all of them as they were at one moment
 * @SSHOBS_SNAPSHOT_ARGV: the arguments as they are now, as /proc/PID/cmdline has them: a NUL
 *	after each, or the title that the process wrote over them
 * @SSHOBS_SNAPSHOT_ENVIRON: the environment as it is now, as /proc/PID/environ has it:
 *	what the process left of what it was given. Of both, the first
 *	SSHOBS_SNAPSHOT_MEMORY_MAX bytes
 * @SSHOBS_SNAPSHOT_EXEC_ENVIRON: the environment as it was given at exec. Kept for members
 *	of sessions whose exec was seen, and their children; ENODATA for others. At most
 *	SSHOBS_ENVIRON_MAX bytes: of a longer one, the whole variables that fit
 */
enum sshobs_snapshot_what {
	SSHOBS_SNAPSHOT_TASK		= 1,
	SSHOBS_SNAPSHOT_FDS		= 2,
	SSHOBS_SNAPSHOT_ARGV		= 3,
	SSHOBS_SNAPSHOT_ENVIRON		= 4,
	SSHOBS_SNAPSHOT_EXEC_ENVIRON	= 5,
};

/* Bytes of environment that are kept of a process, at the most. */
#define SSHOBS_ENVIRON_MAX	4096

/* Bytes of arguments, or of environment, that are read of a process: more than exec allows. */
#define SSHOBS_SNAPSHOT_MEMORY_MAX	(8 << 20)

/* struct sshobs_snapshot.flags, out */
/* Arguments and environments: there was more than is kept, or read. */
#define SSHOBS_SNAPSHOT_CUT	(1U << 0)

/**
 * struct sshobs_snapshot - argument of SSHOBS_IOC_SNAPSHOT
 *
 * Names one process, never another one that got its pid later: take @start_ns from the
 * stream or from the first snapshot. A process that has no memory any more (a zombie), or
 * never had (a kernel thread), has empty arguments, environment and descriptors.
 *
 * The argument may grow: a later version has more members, which are zero for an older
 * module to accept it (else E2BIG).
 *
 * @pid: in: process (thread group), as the initial pid namespace numbers it
 * @what: in: enum sshobs_snapshot_what
 * @start_ns: in: when the process began, CLOCK_MONOTONIC, or SSHOBS_SNAPSHOT_ANY; out: when
 *	it began
 * @buf: in: address of the buffer
 * @buf_len: in: its bytes
 * @flags: in: zero; out: SSHOBS_SNAPSHOT_* above
 * @len: out: bytes that the answer has; with EOVERFLOW, bytes that it had then: give it
 *	that and some more, since it may have grown
 */
struct sshobs_snapshot {
	__u32	pid;
	__u32	what;
	__u64	start_ns;
	__u64	buf;
	__u32	buf_len;
	__u32	flags;
	__u64	len;
};

/* Limits that a task has: RLIMIT_CPU (0) to RLIMIT_RTTIME (15). */
#define SSHOBS_LIMITS		16

/**
 * struct sshobs_task_info - what a process is right now
 *
 * Ids are those of the initial namespaces, as /proc of the initial pid namespace has them.
 *
 * @len: bytes of this struct with @exe and padding; a multiple of 8
 * @exe_len: bytes of @exe
 * @start_ns: when it began, CLOCK_MONOTONIC
 * @start_boot_ns: the same, CLOCK_BOOTTIME: starttime of /proc/PID/stat
 * @session: the session that it is a member of; 0: none
 * @utime_ns: user CPU time of all its threads, with those that ended
 * @stime_ns: system CPU time of all its threads, with those that ended
 * @voluntary_switches: times that its main thread gave the CPU up
 * @nonvoluntary_switches: times that the CPU was taken from its main thread
 * @vm_kb: size of its address space (VmSize), in KiB; as all of *_kb, 0 without memory
 * @vm_peak_kb: largest that was (VmPeak)
 * @rss_kb: resident set (VmRSS)
 * @rss_peak_kb: largest that was (VmHWM)
 * @swap_kb: swapped out (VmSwap)
 * @locked_kb: locked in memory (VmLck)
 * @cap_inh: inheritable capabilities, bit n is capability n
 * @cap_prm: permitted
 * @cap_eff: effective
 * @cap_bnd: bounding set
 * @cap_amb: ambient
 * @pid: process
 * @ppid: its parent; 0: none
 * @pgid: its process group
 * @sid: its session (setsid(2))
 * @tracer: who traces it; 0: nobody
 * @threads: how many it has
 * @uid: real user id
 * @euid: effective user id
 * @suid: saved user id
 * @fsuid: user id for the file system
 * @gid: real group id
 * @egid: effective group id
 * @sgid: saved group id
 * @fsgid: group id for the file system
 * @loginuid: who logged in, for the audit system; ~0: nobody
 * @audit_session: the audit system's number of the login; ~0: none
 * @seccomp: SECCOMP_MODE_*: 0 none, 1 strict, 2 filter
 * @no_new_privs: 1: no exec gives it more rights
 * @state: one letter, as ps(1) prints it: R, S, D, T, t, Z, X, I
 * @pad: zero
 * @comm: name of its main thread, padded with NUL; escape it
 * @tty: controlling terminal ("pts/0"), padded with NUL; empty: none
 * @limits: by RLIMIT_*
 * @exe: path of the file that it runs, as the reader's root has it, without a NUL; empty
 *	without memory
 */
struct sshobs_task_info {
	__u32			len;
	__u32			exe_len;
	__u64			start_ns;
	__u64			start_boot_ns;
	__u64			session;
	__u64			utime_ns;
	__u64			stime_ns;
	__u64			voluntary_switches;
	__u64			nonvoluntary_switches;
	__u64			vm_kb;
	__u64			vm_peak_kb;
	__u64			rss_kb;
	__u64			rss_peak_kb;
	__u64			swap_kb;
	__u64			locked_kb;
	__u64			cap_inh;
	__u64			cap_prm;
	__u64			cap_eff;
	__u64			cap_bnd;
	__u64			cap_amb;
	__u32			pid;
	__u32			ppid;
	__u32			pgid;
	__u32			sid;
	__u32			tracer;
	__u32			threads;
	__u32			uid;
	__u32			euid;
	__u32			suid;
	__u32			fsuid;
	__u32			gid;
	__u32			egid;
	__u32			sgid;
	__u32			fsgid;
	__u32			loginuid;
	__u32			audit_session;
	__u32			seccomp;
	__u32			no_new_privs;
	char			state;
	char			pad[7];
	char			comm[SSHOBS_COMM_LEN];
	char			tty[SSHOBS_TTY_LEN];
	struct sshobs_limit	limits[SSHOBS_LIMITS];
	__u8			exe[];
};

/**
 * enum sshobs_fd_kind - struct sshobs_fd.kind
 * @SSHOBS_FD_FILE: a file, a directory or a device that is none of the following
 * @SSHOBS_FD_PIPE: a pipe or FIFO
 * @SSHOBS_FD_SOCKET: a socket
 * @SSHOBS_FD_TTY: a terminal
 * @SSHOBS_FD_PTMX: the master side of a pseudo terminal
 * @SSHOBS_FD_ANON: an object of the kernel without a name in a file system: eventfd,
 *	epoll, pidfd, ...
 */
enum sshobs_fd_kind {
	SSHOBS_FD_FILE		= 0,
	SSHOBS_FD_PIPE		= 1,
	SSHOBS_FD_SOCKET	= 2,
	SSHOBS_FD_TTY		= 3,
	SSHOBS_FD_PTMX		= 4,
	SSHOBS_FD_ANON		= 5,
};

/* struct sshobs_fd.pts: not a side of a pseudo terminal */
#define SSHOBS_NO_PTS		(~(__u32)0)

/**
 * struct sshobs_fd - one open file descriptor
 *
 * @data is the path, then the socket's local name, then its peer's name, then struct
 * tcp_info, each at the next multiple of 8.
 *
 * @len: bytes of this struct with @data and padding; a multiple of 8. The next one follows
 * @fd: the descriptor
 * @kind: enum sshobs_fd_kind
 * @mode: st_mode of the file
 * @flags: O_* as /proc/PID/fdinfo has them, with O_CLOEXEC
 * @dev: device of its file system, as /proc/PID/mountinfo has it: minor & 0xff | major << 8 |
 *	(minor & ~0xff) << 12. That of stat(2), but for an overlay
 * @rdev: st_rdev of a device, encoded as @dev
 * @pts: pseudo terminals: N of /dev/pts/N, that it is or drives; SSHOBS_NO_PTS for others
 * @ino: inode; of a socket the number in "socket:[N]"
 * @pos: file offset
 * @family: sockets: AF_*; 0 for others, as all that follows but @path_len
 * @type: SOCK_STREAM, ...
 * @protocol: IPPROTO_TCP, ...; AF_NETLINK: NETLINK_*
 * @state: state, as "ss" numbers it: 1 established, 7 unconnected, 10 listening, ... (TCP_*)
 * @path_len: bytes of the path, as readlink of /proc/PID/fd/N has it, without a NUL
 * @local_name_len: AF_UNIX: bytes of the name that the socket is bound to, with the first
 *	NUL of an abstract one, without one at the end
 * @peer_name_len: AF_UNIX: the same of the socket that it is connected to
 * @tcp_info_len: TCP: bytes of struct tcp_info, as this kernel has it
 * @peer_ino: AF_UNIX: inode of the socket that it is connected to; 0: none, or it waits to
 *	be accepted
 * @cookie: the socket's cookie, as "ss -e" prints it after "sk:"; 0 for other families than
 *	AF_INET and AF_INET6
 * @local: AF_INET and AF_INET6: the local end; port 0 while it has none
 * @peer: AF_INET and AF_INET6: the remote end; port 0 while it has none
 * @data: see above
 */
struct sshobs_fd {
	__u32			len;
	__u32			fd;
	__u32			kind;
	__u32			mode;
	__u32			flags;
	__u32			dev;
	__u32			rdev;
	__u32			pts;
	__u64			ino;
	__u64			pos;
	__u16			family;
	__u16			type;
	__u16			protocol;
	__u16			state;
	__u32			path_len;
	__u32			local_name_len;
	__u32			peer_name_len;
	__u32			tcp_info_len;
	__u64			peer_ino;
	__u64			cookie;
	struct sshobs_endpoint	local;
	struct sshobs_endpoint	peer;
	__u8			data[];
};

#define SSHOBS_IOC_MAGIC	0xb5
/* struct sshobs_info: clocks and sequence numbers. EFAULT. */
#define SSHOBS_IOC_INFO		_IOR(SSHOBS_IOC_MAGIC, 0x40, struct sshobs_info)
/* enum sshobs_format: what read() returns from here on. EFAULT, EINVAL. */
#define SSHOBS_IOC_SET_FORMAT	_IOW(SSHOBS_IOC_MAGIC, 0x41, __u32)
/* struct sshobs_stats: what the module counted. EFAULT. */
#define SSHOBS_IOC_STATS	_IOR(SSHOBS_IOC_MAGIC, 0x42, struct sshobs_stats)
/* struct sshobs_probe: one probe. EFAULT, EINVAL (flags), ENOENT (index). */
#define SSHOBS_IOC_PROBE	_IOWR(SSHOBS_IOC_MAGIC, 0x43, struct sshobs_probe)
/* struct sshobs_snapshot: a process, read in the kernel; wants CAP_SYS_PTRACE in the initial
 * user namespace. EPERM without it; ESRCH: no such process, or another one has the pid;
 * EOVERFLOW: the buffer is too small, and len says how much is needed; EAGAIN: the table of
 * descriptors kept growing, or the process ended or became another program meanwhile: try
 * again; ENODATA: no environment was kept; EFAULT, EINVAL (what, flags), E2BIG, ENOMEM, EINTR.
 * Whenever it fails, what the buffer holds is undefined.
 */
#define SSHOBS_IOC_SNAPSHOT	_IOWR(SSHOBS_IOC_MAGIC, 0x44, struct sshobs_snapshot)
/* Call the functions that are probed, where that can be done without an effect, and note
 * which of the probes fire: see SSHOBS_IOC_PROBE. Takes no argument: 0 is passed. EINVAL
 * (argument), ENOMEM, EINTR.
 */
#define SSHOBS_IOC_TRIAL	_IO(SSHOBS_IOC_MAGIC, 0x45)

#endif /* _UAPI_SSHOBS_H */
