package cluster

import dc "github.com/ory/dockertest/v3/docker"

// ParseLog parses pieces of a server's statement log and returns what the user ran.
func ParseLog(e Engine, user string, pieces ...string) []string {
	f, err := flavorOf(e)
	if err != nil {
		panic(err)
	}
	var got []string
	p := f.parser()
	for _, piece := range pieces {
		p.parse([]byte(piece), func(who, statement string) {
			if who == user {
				got = append(got, statement)
			}
		})
	}
	return got
}

// GTIDs is gtids.
func GTIDs(list string, perServer bool) map[string]uint64 { return gtids(list, perServer) }

// Owner is owner.
func Owner(pid int) string { return owner(pid) }

// Dead is dead.
func Dead(label string) bool { return dead(label) }

// RunID is the label value of what this process makes.
func RunID() string { return engine.id }

// Remaining returns how many containers, networks and volumes a run still has.
func Remaining(run string) (int, error) {
	pool, err := dockerPool()
	if err != nil {
		return 0, err
	}
	label := labelRun + "=" + run
	filter := map[string][]string{"label": {label}}
	containers, err := pool.Client.ListContainers(dc.ListContainersOptions{All: true, Filters: filter})
	if err != nil {
		return 0, err
	}
	networks, err := pool.Client.FilteredListNetworks(dc.NetworkFilterOpts{"label": {label: true}})
	if err != nil {
		return 0, err
	}
	volumes, err := pool.Client.ListVolumes(dc.ListVolumesOptions{Filters: filter})
	return len(containers) + len(networks) + len(volumes), err
}

// RunningStacks returns the goroutines that run code of a driver.
func RunningStacks() []string { return running(stacks()) }
