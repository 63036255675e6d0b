Session 7
client 203.0.113.7:51512
│ TCP ESTAB 172.31.40.53:22 socket:[21034]: sshd[100] fd 4, sshd[110] fd 4
sshd[100] root(0)  sshd: alice [priv]
│ fd 7 unix socket:[21050] <-> socket:[21049] fd 5
sshd[110] 424201  sshd: alice@pts/0
│ fd 8,10,11 /dev/ptmx <-> /dev/pts/0 fd 0-2,255 (also sshd[100] fd 5)
bash[120] 424201  -bash
│ /dev/pts/0 fd 0-2
tmux: client[130] 424201  tmux
│ fd 6 unix socket:[22001] <-> socket:[22002] fd 7
tmux: server[131] 424201  tmux
├─┐ fd 8 /dev/ptmx <-> /dev/pts/1 fd 0-2,255
│ bash[140] 424201  -bash
└─┐ fd 9 /dev/ptmx <-> /dev/pts/2 fd 0-2,255
  bash[150] 424201  -bash
  ├─┐ /dev/pts/2 fd 0
  │ ls[160] 424201  ls
  └─┐ /dev/pts/2 fd 1
    less[161] 424201  less

 Connection: 172.31.40.53:22 <-> 203.0.113.7:51512 ESTAB, ino:21034 sk:1a
        RTT: 12.193 ms, variance 6.019 ms, least 9.950 ms; RTO 204.000 ms
     Window: cwnd 10, mss 1448, pmtu 1500, peer's window 64256 bytes, delivery rate 10000000 bit/s
       Sent: 49290 bytes in 40 segments, 49290 bytes acked, 0 bytes not sent yet
Retransmits: 2 of 40 segments (5.00 %), 2896 bytes, 0 lost and 0 retransmitted now, 0 time-outs in a row
   Received: 3973 bytes in 31 segments, 0 out of order
       Idle: last sent 384 ms ago, last received 864 ms ago

sshd[100]  sshd: alice [priv]
        Exe: /usr/sbin/sshd
      State: S (sleeping), PPid 1, PGid 100, Sid 100, TTY -, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:30:28.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: root(0); Gid 0; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: overwritten by the process, for its title; as it was given at exec:
    At exec: LANG=C.UTF-8
             PATH=/usr/sbin:/usr/bin
             1 more: --env=all

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

FD MODE POS FLAGS            NAME
 0 rw     0                  /dev/null
 4 rw       nonblock,cloexec socket:[21034] tcp 172.31.40.53:22 <-> 203.0.113.7:51512 ESTAB
 5 rw       nonblock         /dev/ptmx (pts/0), bash[120] fd 0 and 2 more
 7 rw       cloexec          socket:[21050] unix stream ESTAB <-> socket:[21049], sshd[110] fd 5

sshd[110]  sshd: alice@pts/0
        Exe: /usr/sbin/sshd
      State: S (sleeping), PPid 100, PGid 110, Sid 110, TTY -, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:30:38.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: overwritten by the process, for its title; what it was is not known: its exec was not seen

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

FD MODE POS FLAGS            NAME
 0 rw     0                  /dev/null
 4 rw       nonblock,cloexec socket:[21034] tcp 172.31.40.53:22 <-> 203.0.113.7:51512 ESTAB
 5 rw       cloexec          socket:[21049] unix stream ESTAB <-> socket:[21050], sshd[100] fd 7
 8 rw       nonblock         /dev/ptmx (pts/0), bash[120] fd 0 and 2 more
10 rw       nonblock         /dev/ptmx (pts/0), bash[120] fd 0 and 2 more
11 rw       nonblock         /dev/ptmx (pts/0), bash[120] fd 0 and 2 more

bash[120]  -bash
        Exe: /usr/bin/bash
      State: S (sleeping), PPid 110, PGid 120, Sid 120, TTY pts/0, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:30:48.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: USER=alice
             HOME=/home/alice
             SSH_TTY=/dev/pts/0
             1 more: --env=all

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

 FD MODE POS FLAGS NAME
  0 rw             /dev/pts/0, sshd[100] fd 5 and 1 more
  1 rw             /dev/pts/0, sshd[100] fd 5 and 1 more
  2 rw             /dev/pts/0, sshd[100] fd 5 and 1 more
255 rw             /dev/pts/0, sshd[100] fd 5 and 1 more

tmux: client[130]  tmux
        Exe: /usr/bin/tmux
      State: S (sleeping), PPid 120, PGid 130, Sid 130, TTY pts/0, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:30:58.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: empty

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

FD MODE POS FLAGS   NAME
 0 rw               /dev/pts/0, sshd[100] fd 5 and 1 more
 1 rw               /dev/pts/0, sshd[100] fd 5 and 1 more
 2 rw               /dev/pts/0, sshd[100] fd 5 and 1 more
 6 rw       cloexec socket:[22001] unix stream ESTAB <-> socket:[22002], tmux: server[131] fd 7

tmux: server[131]  tmux
        Exe: /usr/bin/tmux
      State: S (sleeping), PPid 1, PGid 131, Sid 131, TTY -, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:30:59.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: empty

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

FD MODE POS FLAGS    NAME
 5 rw                /dev/pts/0, sshd[100] fd 5 and 1 more
 7 rw       cloexec  socket:[22002] unix stream ESTAB <-> socket:[22001], tmux: client[130] fd 6
 8 rw       nonblock /dev/ptmx (pts/1), bash[140] fd 0
 9 rw       nonblock /dev/ptmx (pts/2), bash[150] fd 0 and 2 more

bash[140]  -bash
        Exe: /usr/bin/bash
      State: S (sleeping), PPid 131, PGid 140, Sid 140, TTY pts/1, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:31:08.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: USER=alice
             HOME=/home/alice
             SSH_TTY=/dev/pts/0
             1 more: --env=all

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

 FD MODE POS FLAGS NAME
  0 rw             /dev/pts/1, tmux: server[131] fd 8
  1 rw             /dev/pts/1, tmux: server[131] fd 8
  2 rw             /dev/pts/1, tmux: server[131] fd 8
255 rw             /dev/pts/1, tmux: server[131] fd 8

bash[150]  -bash
        Exe: /usr/bin/bash
      State: S (sleeping), PPid 131, PGid 150, Sid 150, TTY pts/2, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:31:18.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: USER=alice
             HOME=/home/alice
             SSH_TTY=/dev/pts/0
             1 more: --env=all

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

 FD MODE POS FLAGS NAME
  0 rw             /dev/pts/2, tmux: server[131] fd 9
  1 rw             /dev/pts/2, tmux: server[131] fd 9
  2 rw             /dev/pts/2, tmux: server[131] fd 9
255 rw             /dev/pts/2, tmux: server[131] fd 9

ls[160]  ls
        Exe: /usr/bin/ls
      State: S (sleeping), PPid 150, PGid 160, Sid 160, TTY pts/2, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:31:28.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: empty

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

FD MODE POS FLAGS NAME
 0 rw             /dev/pts/2, tmux: server[131] fd 9
 1 w              pipe:[23000], less[161] fd 0

less[161]  less
        Exe: /usr/bin/less
      State: S (sleeping), PPid 150, PGid 161, Sid 161, TTY pts/2, Threads 1, TracerPid 0
    Started: Sun 2026-11-22 09:31:29.000 UTC, CPU 12.3 ms user, 2.3 ms system
   Switches: 42 voluntary, 0 nonvoluntary
        Uid: 424201; Gid 424201; loginuid 424201, audit session 3
       Caps: CapInh 0, CapPrm 0, CapEff 0, CapBnd 1ffffffffff, CapAmb 0
   Confined: NoNewPrivs 0, Seccomp 0
     Memory: VmSize 17308 kB (VmPeak 17824), VmRSS 10720 kB (VmHWM 10800), VmSwap 0 kB, VmLck 0 kB
    Environ: empty

LIMIT           SOFT      HARD  USED     USE UNIT
CPU        unlimited unlimited     -         seconds
FSIZE      unlimited unlimited     -         bytes
DATA       unlimited unlimited     -         bytes
STACK      unlimited unlimited     -         bytes
CORE               0 unlimited     -         bytes
RSS        unlimited unlimited     -         bytes
NPROC            100       100    79    79 % processes
NOFILE          1024      4096    12     1 % files
MEMLOCK        65536     65536 65536 100 % ! bytes
AS         unlimited unlimited     -         bytes
LOCKS      unlimited unlimited     -         locks
SIGPENDING        10        20     8  80 % ! signals
MSGQUEUE   unlimited unlimited     -         bytes
NICE       unlimited unlimited     -         
RTPRIO     unlimited unlimited     -         
RTTIME     unlimited unlimited     -         microseconds

FD MODE POS FLAGS NAME
 0 r              pipe:[23000], ls[160] fd 1
 1 rw             /dev/pts/2, tmux: server[131] fd 9
