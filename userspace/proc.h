/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What /proc tells of a process.
 */
#ifndef _SSHOBS_PROC_H
#define _SSHOBS_PROC_H

#include <stdint.h>

/* Fields of /proc/PID/stat, by their numbers in proc(5). */
enum proc_field {
	PROC_PPID = 4,
	PROC_FOREGROUND = 8,
};

/**
 * proc_stat() - a field of /proc/PID/stat
 * @pid: the process
 * @field: which one
 *
 * Return: its value; 0 if it cannot be read or is negative.
 */
uint32_t proc_stat(uint32_t pid, enum proc_field field);

#endif /* _SSHOBS_PROC_H */
