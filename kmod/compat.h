/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place that knows how kernels differ, 5.10 to 7.3. Kbuild forces it
 * into every file, and defines SSHOBS_HAVE_* from what it finds in the kernel's
 * headers: stable updates bring interfaces back to older versions, so that a
 * version number tells nothing.
 */
#ifndef _SSHOBS_COMPAT_H
#define _SSHOBS_COMPAT_H

/* Here, since it must come before the first header of the kernel. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/net.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/user.h>
#include <linux/user_namespace.h>
#include <linux/version.h>

/* Positions in the ring are 64 bits wide and read without a lock. */
static_assert(sizeof(long) == sizeof(u64), "sshobs needs a 64-bit kernel");

/* Its hooks are called, and take locks, where those sleep on such a kernel and must not. */
#ifdef CONFIG_PREEMPT_RT
#error "sshobs does not run on a kernel with PREEMPT_RT"
#endif

/* What an ops is called for. */
#ifdef CONFIG_DYNAMIC_FTRACE
#define SSHOBS_FTRACE_FILTER(ops) rcu_access_pointer((ops)->func_hash->filter_hash)
#else
#define SSHOBS_FTRACE_FILTER(ops) NULL
#endif

/* 5.11 dropped the error that sock_from_file() wrote beside its answer. */
#ifdef SSHOBS_HAVE_SOCK_FROM_FILE_ERR
static inline struct socket *sshobs_sock_from_file(struct file *file)
{
	int err;

	return sock_from_file(file, &err);
}
#else
#define sshobs_sock_from_file(file) sock_from_file(file)
#endif

/* 6.3 made the capability set one word. */
#ifdef SSHOBS_HAVE_CAP_VAL
static inline u64 sshobs_cap_bits(kernel_cap_t cap)
{
	return cap.val;
}
#else
static inline u64 sshobs_cap_bits(kernel_cap_t cap)
{
	return (u64)cap.cap[1] << 32 | cap.cap[0];
}
#endif

/* 5.14 moved what a user's processes hold against limits into the ucounts. */
#ifdef SSHOBS_HAVE_UCOUNT_RLIMIT
#define SSHOBS_USER_COUNT(cred, name)	\
	atomic_long_read(&(cred)->ucounts->rlimit[UCOUNT_RLIMIT_##name])
#elif defined(SSHOBS_HAVE_UCOUNT_NPROC)
#define SSHOBS_USER_COUNT(cred, name)	\
	atomic_long_read(&(cred)->ucounts->ucount[UCOUNT_RLIMIT_##name])
#else
#define SSHOBS_USER_COUNT(cred, name)	SSHOBS_USER_##name((cred)->user)
#define SSHOBS_USER_NPROC(user)		atomic_read(&(user)->processes)
#define SSHOBS_USER_SIGPENDING(user)	atomic_read(&(user)->sigpending)
#define SSHOBS_USER_MSGQUEUE(user)	READ_ONCE((user)->mq_bytes)
#endif

/*
 * 6.7 made it a function that looks again at where the pointer came from, since a
 * struct file can be used anew at once; up to then RCU keeps it. Under RCU.
 */
#ifdef SSHOBS_HAVE_GET_FILE_RCU_POINTER
#define sshobs_get_exe_file(mm)	get_file_rcu(&(mm)->exe_file)
#else
static inline struct file *sshobs_get_exe_file(struct mm_struct *mm)
{
	struct file *exe = rcu_dereference(mm->exe_file);

	return exe && get_file_rcu(exe) ? exe : NULL;
}
#endif

/*
 * Where a file that is to be executed is opened: in bprm_execve() up to 6.1, in
 * alloc_bprm() since 6.8. No interface shows it, and on 6.1 nothing can fail in
 * alloc_bprm() but memory: there, the probe that each exec of the host would pay
 * for is left out. In between, it is there in any case.
 */
#define SSHOBS_ALLOC_BPRM_OPENS (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0))

/*
 * 6.11 has one place that gives an error to a TCP socket, which wakes who waits before it
 * reports the error; stable updates have it from 6.1 on. Without it, they are woken later.
 */
#ifdef SSHOBS_HAVE_TCP_DONE_WITH_ERROR
#define SSHOBS_TCP_DONE_WITH_ERROR true
#else
#define SSHOBS_TCP_DONE_WITH_ERROR false
#endif

/* 6.16 tells the tracepoint's probe whether it is the last thread that goes. */
#ifdef SSHOBS_HAVE_EXIT_GROUP_DEAD
#define SSHOBS_EXIT_ARGS struct task_struct *task, bool group_dead
#else
#define SSHOBS_EXIT_ARGS struct task_struct *task
#endif

/* 7.x does not let a probe of arriving segments change them. */
#ifdef SSHOBS_HAVE_TCP_PROBE_CONST
#define SSHOBS_TCP_PROBE_SKB const struct sk_buff
#else
#define SSHOBS_TCP_PROBE_SKB struct sk_buff
#endif

/*
 * What ftrace calls a hook with. 5.11 gave the arguments a struct of their own, 6.2 a
 * way to read them; where the architecture does not hand them over by itself, all
 * registers are asked for. 5.11 also has ftrace guard a hook against recursion only
 * where that is asked for: none of these hooks calls what it hooks.
 */
#ifdef SSHOBS_HAVE_FTRACE_REGS
#define SSHOBS_FTRACE_REGS	struct ftrace_regs
#define SSHOBS_FTRACE_FLAGS	\
	(IS_ENABLED(CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS) ? 0 : FTRACE_OPS_FL_SAVE_REGS)
#ifdef SSHOBS_HAVE_FTRACE_ARGUMENT
#define sshobs_ftrace_argument(fregs, n)	ftrace_regs_get_argument(fregs, n)
#else
#define sshobs_ftrace_argument(fregs, n)	regs_get_kernel_argument(&(fregs)->regs, n)
#endif
#else
#define SSHOBS_FTRACE_REGS	struct pt_regs
#define SSHOBS_FTRACE_FLAGS	(FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION_SAFE)
#define sshobs_ftrace_argument(fregs, n)	regs_get_kernel_argument(fregs, n)
#endif

struct sock;

/* 6.16 took it out of the headers, and still exports it. */
struct sock *unix_peer_get(struct sock *sock);

#endif /* _SSHOBS_COMPAT_H */
