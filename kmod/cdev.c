// SPDX-License-Identifier: GPL-2.0
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "cdev.h"
#include "ring.h"
#include "snapshot.h"
#include "text.h"

/**
 * struct reader - one open file
 * @lock: serialises everything below; threads may share the file
 * @cursor: the next record
 * @format: enum sshobs_format
 * @out: what read() returns next: the record, or its line
 * @out_len: bytes at @out; 0: nothing is pending
 * @out_done: of those, how many were returned
 * @record: the record that is pending
 * @line: its text
 * @room: for snapshots
 */
struct reader {
	struct mutex		lock;		/* of all that follows but @room */
	struct sshobs_cursor	cursor;
	u32			format;
	const char		*out;
	size_t			out_len;
	size_t			out_done;
	char			record[SSHOBS_RECORD_MAX] __aligned(8);
	char			line[SSHOBS_TEXT_MAX];
	struct sshobs_room	room;		/* has a lock of its own */
};

static const struct sshobs_cdev_source *source;
static atomic64_t readers;

static int cdev_open(struct inode *inode, struct file *file)
{
	struct reader *reader;

	if (!perfmon_capable())
		return -EPERM;
	reader = kvzalloc(sizeof(*reader), GFP_KERNEL);
	if (!reader)
		return -ENOMEM;
	mutex_init(&reader->lock);
	mutex_init(&reader->room.lock);
	sshobs_ring_oldest(&reader->cursor);
	file->private_data = reader;
	atomic64_inc(&readers);
	return 0;
}

static int cdev_release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	atomic64_dec(&readers);
	mutex_destroy(&reader->room.lock);
	mutex_destroy(&reader->lock);
	kvfree(reader);
	return 0;
}

/* The record that tells this reader of a loss, in the place where it was. */
static size_t reader_lost(struct reader *reader, u64 count)
{
	struct {
		struct sshobs_hdr	hdr;
		struct sshobs_lost	body;
	} *rec = (void *)reader->record;

	memset(rec, 0, sizeof(*rec));
	rec->hdr.len = sizeof(*rec);
	rec->hdr.hdr_len = sizeof(rec->hdr);
	rec->hdr.type = SSHOBS_LOST;
	rec->hdr.seq = reader->cursor.seq - count;
	rec->hdr.time_ns = ktime_get_ns();
	strscpy(rec->hdr.comm, KBUILD_MODNAME, sizeof(rec->hdr.comm));
	rec->body.count = count;
	return sizeof(*rec);
}

/* Have the next record pending, if there is one. Holds the reader's lock. */
static bool reader_fetch(struct reader *reader)
{
	size_t len;
	u64 lost;

	if (reader->out_len)
		return true;
	len = sshobs_ring_read(&reader->cursor, reader->record, &lost);
	if (lost)
		len = reader_lost(reader, lost);
	if (!len)
		return false;

	reader->out = reader->record;
	if (reader->format == SSHOBS_FORMAT_TEXT) {
		len = sshobs_text((void *)reader->record, reader->line, sizeof(reader->line));
		reader->out = reader->line;
	}
	reader->out_len = len;
	reader->out_done = 0;
	return true;
}

static void reader_forget(struct reader *reader)
{
	reader->out_len = 0;
	reader->out_done = 0;
}

/*
 * How much of what is pending goes into the space that is left: all of it or
 * nothing, but for the line that is longer than a whole buffer.
 */
static size_t reader_fit(const struct reader *reader, size_t space, bool first)
{
	size_t left = reader->out_len - reader->out_done;

	if (left <= space)
		return left;
	if (first && reader->format == SSHOBS_FORMAT_TEXT)
		return space;
	return 0;
}

/* Return the bytes copied; -EAGAIN if there is nothing. Holds the reader's lock. */
static ssize_t reader_copy(struct reader *reader, char __user *buf, size_t count)
{
	ssize_t done = 0;
	size_t n;

	while (reader_fetch(reader)) {
		n = reader_fit(reader, count - done, !done);
		if (!n)
			return done ? done : -EINVAL;
		if (copy_to_user(buf + done, reader->out + reader->out_done, n))
			return done ? done : -EFAULT;
		done += n;
		reader->out_done += n;
		if (reader->out_done < reader->out_len)
			return done;
		reader_forget(reader);
	}
	return done ? done : -EAGAIN;
}

static ssize_t cdev_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct reader *reader = file->private_data;
	ssize_t ret;

	for (;;) {
		ret = mutex_lock_interruptible(&reader->lock);
		if (ret)
			return ret;
		ret = reader_copy(reader, buf, count);
		mutex_unlock(&reader->lock);
		if (ret != -EAGAIN || file->f_flags & O_NONBLOCK)
			return ret;
		ret = sshobs_ring_wait(&reader->cursor);
		if (ret)
			return ret;
	}
}

static ssize_t cdev_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	size_t len = count;
	char *text;

	if (!count || count > SSHOBS_MARK_MAX)
		return -EINVAL;
	text = memdup_user(buf, count);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (len > 1 && text[len - 1] == '\n')
		len--;
	source->mark(text, len);
	kfree(text);
	return count;
}

static __poll_t cdev_poll(struct file *file, poll_table *wait)
{
	struct reader *reader = file->private_data;
	__poll_t ready = EPOLLOUT | EPOLLWRNORM;

	sshobs_ring_poll_wait(file, wait);
	if (READ_ONCE(reader->out_len) || sshobs_ring_ready(&reader->cursor))
		ready |= EPOLLIN | EPOLLRDNORM;
	return ready;
}

static loff_t cdev_llseek(struct file *file, loff_t offset, int whence)
{
	struct reader *reader = file->private_data;

	if (whence != SEEK_SET && whence != SEEK_END)
		return -EINVAL;
	if (offset)
		return -ESPIPE;
	/* Killable: who shares the file may be copying to memory that never comes. */
	if (mutex_lock_killable(&reader->lock))
		return -EINTR;
	reader_forget(reader);
	if (whence == SEEK_SET)
		sshobs_ring_oldest(&reader->cursor);
	else
		sshobs_ring_newest(&reader->cursor);
	mutex_unlock(&reader->lock);
	return 0;
}

static long ioctl_info(struct reader *reader, void __user *arg)
{
	struct sshobs_info info = { .abi = SSHOBS_ABI, .format = reader->format };
	struct sshobs_ring_stats ring;

	sshobs_ring_stats(&ring);
	info.realtime_offset_ns = ktime_to_ns(ktime_mono_to_real(0));
	info.next_seq = ring.next_seq;
	info.oldest_seq = ring.oldest_seq;
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long ioctl_set_format(struct reader *reader, const __u32 __user *arg)
{
	u32 format;

	if (get_user(format, arg))
		return -EFAULT;
	if (format != SSHOBS_FORMAT_TEXT && format != SSHOBS_FORMAT_BINARY)
		return -EINVAL;
	/* What is pending was fetched for the old format; the record is still there. */
	if (format != reader->format && reader->out_len) {
		reader->out = reader->record;
		reader->out_len = ((struct sshobs_hdr *)reader->record)->len;
		if (format == SSHOBS_FORMAT_TEXT) {
			reader->out = reader->line;
			reader->out_len = sshobs_text((void *)reader->record, reader->line,
						      sizeof(reader->line));
		}
		reader->out_done = 0;
	}
	reader->format = format;
	return 0;
}

static long ioctl_stats(void __user *arg)
{
	struct sshobs_stats stats = {};
	struct sshobs_ring_stats ring;

	sshobs_ring_stats(&ring);
	stats.written = ring.next_seq - 1;
	stats.dropped = ring.dropped;
	stats.overwritten = ring.overwritten;
	stats.ring_bytes = ring.bytes;
	stats.readers = atomic64_read(&readers);
	source->stats(&stats);
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

static long ioctl_probe(struct sshobs_probe __user *arg)
{
	struct sshobs_probe probe;
	u32 index, flags;
	int err;

	if (get_user(index, &arg->index) || get_user(flags, &arg->flags))
		return -EFAULT;
	if (flags)
		return -EINVAL;
	memset(&probe, 0, sizeof(probe));
	probe.index = index;
	err = source->probe(&probe);
	if (err)
		return err;
	return copy_to_user(arg, &probe, sizeof(probe)) ? -EFAULT : 0;
}

static long reader_ioctl(struct reader *reader, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case SSHOBS_IOC_INFO:
		return ioctl_info(reader, arg);
	case SSHOBS_IOC_SET_FORMAT:
		return ioctl_set_format(reader, arg);
	case SSHOBS_IOC_STATS:
		return ioctl_stats(arg);
	case SSHOBS_IOC_PROBE:
		return ioctl_probe(arg);
	default:
		return -ENOTTY;
	}
}

/* Its argument may be longer than the one that this version knows. */
static bool is_snapshot(unsigned int cmd)
{
	const unsigned int size = IOCSIZE_MASK;

	return (cmd & ~size) == (SSHOBS_IOC_SNAPSHOT & ~size) &&
	       _IOC_SIZE(cmd) >= sizeof(struct sshobs_snapshot);
}

static long cdev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct reader *reader = file->private_data;
	long ret;

	/* Nothing of the reader's: they need not keep other threads from reading. */
	if (is_snapshot(cmd))
		return sshobs_snapshot(&reader->room, (void __user *)arg, _IOC_SIZE(cmd));
	if (cmd == SSHOBS_IOC_TRIAL)
		return arg ? -EINVAL : source->trial();
	if (mutex_lock_killable(&reader->lock))
		return -EINTR;
	ret = reader_ioctl(reader, cmd, (void __user *)arg);
	mutex_unlock(&reader->lock);
	return ret;
}

static const struct file_operations cdev_fops = {
	.owner		= THIS_MODULE,
	.open		= cdev_open,
	.release	= cdev_release,
	.read		= cdev_read,
	.write		= cdev_write,
	.poll		= cdev_poll,
	.llseek		= cdev_llseek,
	.unlocked_ioctl	= cdev_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice cdev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= KBUILD_MODNAME,
	.mode	= 0600,
	.fops	= &cdev_fops,
};

int sshobs_cdev_init(const struct sshobs_cdev_source *cdev_source)
{
	source = cdev_source;
	return misc_register(&cdev);
}

void sshobs_cdev_exit(void)
{
	misc_deregister(&cdev);
}
