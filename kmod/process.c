// SPDX-License-Identifier: GPL-2.0
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/uidgid.h>

#include "process.h"

void sshobs_process_ids(struct sshobs_ids *ids, const struct cred *cred)
{
	ids->uid = from_kuid(&init_user_ns, cred->uid);
	ids->euid = from_kuid(&init_user_ns, cred->euid);
	ids->suid = from_kuid(&init_user_ns, cred->suid);
	ids->gid = from_kgid(&init_user_ns, cred->gid);
	ids->cap_eff = sshobs_cap_bits(cred->cap_effective);
}

void sshobs_process_times(struct task_struct *task, u64 *utime_ns, u64 *stime_ns)
{
	const struct signal_struct *signal = task->signal;
	struct task_struct *thread;
	u64 user, system;

	*utime_ns = READ_ONCE(signal->utime);
	*stime_ns = READ_ONCE(signal->stime);
	rcu_read_lock();
	for_each_thread(task, thread) {
		task_cputime_adjusted(thread, &user, &system);
		*utime_ns += user;
		*stime_ns += system;
	}
	rcu_read_unlock();
}

/* lock_task_sighand() is not exported. */
struct tty_struct *sshobs_process_tty(struct task_struct *task)
{
	struct tty_struct *tty = NULL;
	struct sighand_struct *sighand;
	unsigned long flags;

	rcu_read_lock();
	sighand = rcu_dereference(task->sighand);
	if (!sighand)
		goto unlock_rcu;
	spin_lock_irqsave(&sighand->siglock, flags);
	if (sighand == rcu_access_pointer(task->sighand))
		tty = tty_kref_get(task->signal->tty);
	spin_unlock_irqrestore(&sighand->siglock, flags);
unlock_rcu:
	rcu_read_unlock();
	return tty;
}

/* The kernel calls it "pts0"; people and ps call it "pts/0". */
void sshobs_process_tty_name(char *name, const struct tty_struct *tty)
{
	if (tty->driver->type == TTY_DRIVER_TYPE_PTY && tty->driver->subtype == PTY_TYPE_SLAVE)
		scnprintf(name, SSHOBS_TTY_LEN, "pts/%d", tty->index);
	else
		scnprintf(name, SSHOBS_TTY_LEN, "%s", tty->name);
}

const char *sshobs_process_exe(struct mm_struct *mm, char *buf, size_t size)
{
	const char *path;
	struct file *exe;

	rcu_read_lock();
	exe = sshobs_get_exe_file(mm);
	rcu_read_unlock();
	if (!exe)
		return "";
	path = d_path(&exe->f_path, buf, size);
	fput(exe);
	return IS_ERR(path) ? "" : path;
}

static u64 limit_value(unsigned long limit)
{
	return limit == RLIM_INFINITY ? SSHOBS_UNLIMITED : limit;
}

void sshobs_process_limit(struct sshobs_limit *limit, const struct task_struct *task,
			  unsigned int resource)
{
	limit->soft = limit_value(task_rlimit(task, resource));
	limit->hard = limit_value(task_rlimit_max(task, resource));
}

/*
 * How many descriptors below a limit are free, two at the most. A table that has not grown
 * to the limit has room; all below next_fd are in use.
 */
static unsigned int free_fds(struct files_struct *files, unsigned long limit)
{
	const struct fdtable *table;
	unsigned int count = 0;
	unsigned long fd;

	rcu_read_lock();
	table = rcu_dereference(files->fdt);
	if (limit > table->max_fds) {
		count = 2;
		goto unlock_rcu;
	}
	for (fd = READ_ONCE(files->next_fd); count < 2; count++, fd++) {
		fd = find_next_zero_bit(table->open_fds, limit, fd);
		if (fd >= limit)
			break;
	}
unlock_rcu:
	rcu_read_unlock();
	return count;
}

static bool at_edge(struct sshobs_limit *limit, const struct task_struct *task,
		    unsigned int resource)
{
	unsigned long soft = task_rlimit(task, resource);
	unsigned int free;

	switch (resource) {
	case RLIMIT_NOFILE:
		/* Who may not even have the first three is to open nothing: sshd's sandbox. */
		free = task->files && soft >= 3 ? free_fds(task->files, soft) : 2;
		limit->used = soft - free;
		return free < 2;
	case RLIMIT_NPROC:
		limit->used = SSHOBS_USER_COUNT(current_real_cred(), NPROC);
		return task->flags & PF_NPROC_EXCEEDED;
	case RLIMIT_AS:
	case RLIMIT_DATA:
		limit->used = SSHOBS_UNCOUNTED;
		return soft != RLIM_INFINITY;
	default:
		return false;
	}
}

u32 sshobs_process_edges(struct sshobs_limit *limits, const struct task_struct *task)
{
	unsigned int resource;
	u32 bits = 0;

	for (resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct sshobs_limit limit;

		if (!at_edge(&limit, task, resource))
			continue;
		sshobs_process_limit(&limit, task, resource);
		*limits++ = limit;
		bits |= 1U << resource;
	}
	return bits;
}

void sshobs_process_files(struct task_struct *task,
			  int (*look)(const void *data, struct file *file, unsigned int fd),
			  const void *data)
{
	task_lock(task);
	if (task->files)
		iterate_fd(task->files, 0, look, data);
	task_unlock(task);
}

/*
 * By the map of the table, which tells of 64 at a time: whoever has very many descriptors shall
 * not have his locks held for as long.
 */
unsigned int sshobs_process_fds(struct task_struct *task)
{
	const struct fdtable *table;
	unsigned int count = 0;

	task_lock(task);
	if (task->files) {
		spin_lock(&task->files->file_lock);
		table = files_fdtable(task->files);
		count = bitmap_weight(table->open_fds, table->max_fds);
		spin_unlock(&task->files->file_lock);
	}
	task_unlock(task);
	return count;
}
