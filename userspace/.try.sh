hostname golden-$SSHOBS_SUITE
modprobe sshobs; /usr/sbin/sshd; sleep 1
sshobs -q -w /out/$SSHOBS_SUITE.cap & sleep 1
mkfifo /tmp/in; (ssh -tt alice@127.0.0.1 < /tmp/in >/tmp/o 2>&1; echo > /tmp/over) & exec 5>/tmp/in
for i in $(seq 60); do sshobs -n all | grep -q prompt && break; sleep 1; done
echo id >&5; sleep 4
ps -eo pid=,ppid=,user=,args= --forest > /tmp/ps; sshobs tree last > /tmp/tree; sshobs tree last -o json > /tmp/tree.json
echo exit >&5
for i in $(seq 30); do test -e /tmp/over && break; sleep 1; done
sleep 2; kill -INT %1; wait %1; echo rc $?
grep -A12 'sshd.*listener\|sshd$' /tmp/ps | head -12; cat /tmp/tree; sshobs list; dmesg | grep -i sshobs
