/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether the hooks are alive: the functions that they watch are called on purpose, and
 * each must fire. The kernel takes a probe without an error that it will never call, be
 * it that all probes are switched off or that the callers have a copy of the function.
 */
#ifndef _SSHOBS_TRIAL_H
#define _SSHOBS_TRIAL_H

/**
 * sshobs_trial() - call what is hooked, and note which hooks fire
 *
 * All of it is done by a kernel thread, which is in no session, so that it leaves no
 * record; and as far as it goes without an effect on the host: calls that are refused,
 * one connection of the loopback device to itself, and one pseudo terminal. What can't
 * be called, as where the loopback device is down, stays untried.
 *
 * Context: may sleep, some seconds at the most; one at a time. After sshobs_hooks_init().
 * Return: 0, whatever was found, which is told by sshobs_hooks_probe(); -ENOMEM or -EINTR.
 */
int sshobs_trial(void);

#endif /* _SSHOBS_TRIAL_H */
