-- What bounded the memory of a server's whole tree while it ran: the kernel, by a cgroup, or a look at its processes ten times a second.
-- NULL where nothing was run here, and for probes from before this was kept.
ALTER TABLE probes ADD COLUMN memory_bound TEXT CHECK (memory_bound IN ('cgroup', 'watched'));
