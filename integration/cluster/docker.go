package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ory/dockertest/v3"
	dc "github.com/ory/dockertest/v3/docker"
)

// Everything a run makes in the container engine carries these labels.
const (
	labelRun   = "rwsplit.run"   // one per process
	labelOwner = "rwsplit.owner" // host, pid namespace, pid and its start time
)

// labelSeed is on the volumes that stay for later runs.
const labelSeed = "rwsplit.seed"

// engine is this process's connection to the container engine.
var engine struct {
	once   sync.Once
	pool   *dockertest.Pool
	err    error
	id     string
	reaper io.Closer // open until the process ends
}

// dockerPool connects to the container engine, removes what dead runs have
// left there, and sees to it that nothing of this run outlives it.
func dockerPool() (*dockertest.Pool, error) {
	engine.once.Do(func() {
		engine.pool, engine.err = dockertest.NewPool("")
		if engine.err == nil {
			engine.err = engine.pool.Client.Ping()
		}
		if engine.err != nil {
			engine.err = fmt.Errorf("cluster: no container engine answers; ci/engine.sh installs or starts one: %w", engine.err)
			return
		}
		engine.id = fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())
		removeLeftovers(engine.pool.Client)
		startReaper(engine.id)
	})
	return engine.pool, engine.err
}

func labels() map[string]string {
	return map[string]string{labelRun: engine.id, labelOwner: owner(os.Getpid())}
}

// owner identifies a process on this machine; "" if there is none.
func owner(pid int) string {
	host, _ := os.Hostname()
	space, _ := os.Readlink("/proc/self/ns/pid")
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	started := ""
	if err == nil {
		// The 22nd field; the second, a name in parentheses, may contain spaces.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 19 {
			started = fields[19]
		}
	} else if syscall.Kill(pid, 0) != nil {
		return ""
	}
	return fmt.Sprintf("%s %s %d %s", host, space, pid, started)
}

// dead reports whether the label names a process of this machine that has ended.
func dead(label string) bool {
	part := strings.Split(label, " ")
	if len(part) != 4 {
		return false
	}
	mine := strings.Split(owner(os.Getpid()), " ")
	if part[0] != mine[0] || part[1] != mine[1] {
		return false
	}
	pid, err := strconv.Atoi(part[2])
	return err == nil && owner(pid) != label
}

// removeLeftovers is best effort: what can't be removed does no harm.
func removeLeftovers(client *dc.Client) {
	filter := map[string][]string{"label": {labelOwner}}
	containers, _ := client.ListContainers(dc.ListContainersOptions{All: true, Filters: filter})
	for _, container := range containers {
		if dead(container.Labels[labelOwner]) {
			removeContainer(client, container.ID)
		}
	}
	networks, _ := client.FilteredListNetworks(dc.NetworkFilterOpts{"label": {labelOwner: true}})
	for _, network := range networks {
		if dead(network.Labels[labelOwner]) {
			_ = client.RemoveNetwork(network.ID)
		}
	}
	volumes, _ := client.ListVolumes(dc.ListVolumesOptions{Filters: filter})
	for _, volume := range volumes {
		if dead(volume.Labels[labelOwner]) {
			_ = client.RemoveVolumeWithOptions(dc.RemoveVolumeOptions{Name: volume.Name, Force: true})
		}
	}
}

func removeContainer(client *dc.Client, id string) {
	_ = client.UnpauseContainer(id) // a paused container can't be killed
	_ = client.RemoveContainer(dc.RemoveContainerOptions{ID: id, Force: true, RemoveVolumes: true})
}

// startReaper starts a small process that waits for the end of this one,
// however it ends, and then removes what it has left. Where the docker command
// is missing the next run does it.
func startReaper(id string) {
	const script = `cat
f="label=` + labelRun + `=$1"
for c in $(docker ps -aq --filter "$f"); do docker unpause $c; docker rm -fv $c; done
for n in $(docker network ls -q --filter "$f"); do docker network rm $n; done
for v in $(docker volume ls -q --filter "$f"); do docker volume rm -f $v; done`
	cmd := exec.Command("sh", "-c", script, "rwsplit-reaper", id)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt is for the test only
	if in, err := cmd.StdinPipe(); err == nil && cmd.Start() == nil {
		engine.reaper = in
	}
}

// runContainer starts the server's container for the first time. A host port
// that somebody else has taken in the meantime is replaced.
func (s *Server) runContainer(ctx context.Context) error {
	repository, tag := s.c.image, "latest"
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository, tag = repository[:i], repository[i+1:]
	}
	port := dc.Port(s.c.flavor.port() + "/tcp")
	for tries := 1; ; tries++ {
		_, err := s.c.pool.RunWithOptions(&dockertest.RunOptions{
			Name:         s.host(),
			Repository:   repository,
			Tag:          tag,
			Entrypoint:   []string{"bash", "-c"},
			Cmd:          []string{s.c.flavor.script(s)},
			User:         "root",
			Mounts:       []string{s.c.id + ":/cluster", s.c.seed + ":/seed"},
			NetworkID:    s.c.network,
			ExposedPorts: []string{string(port)},
			PortBindings: map[dc.Port][]dc.PortBinding{port: {{HostIP: "127.0.0.1", HostPort: strconv.Itoa(s.Port)}}},
			Labels:       labels(),
		}, func(config *dc.HostConfig) {
			config.PublishAllPorts = false
			// Servers write to their temporary files all the time, and the file
			// systems of images are slow at that.
			config.Tmpfs = map[string]string{"/tmp": ""}
		})
		if err == nil {
			return nil
		}
		removeContainer(s.c.pool.Client, s.host())
		if tries == 10 || ctx.Err() != nil || !strings.Contains(err.Error(), "port is already allocated") &&
			!strings.Contains(err.Error(), "address already in use") {
			return fmt.Errorf("cluster: container of %s: %w", s.Name, err)
		}
		s.Port = freePort()
	}
}

// failure adds what the server said last to an error.
func (s *Server) failure(err error) error {
	if err == nil {
		return nil
	}
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.c.pool.Client.Logs(dc.LogsOptions{
		Context: ctx, Container: s.host(), OutputStream: &out, ErrorStream: &out, Stdout: true, Stderr: true, Tail: "15",
	})
	return fmt.Errorf("%w\nlast lines of %s:\n%s", err, s.Name, out.String())
}

// write makes a file in /cluster, whatever state the server is in.
func (s *Server) write(ctx context.Context, name, content string) error {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
		return err
	}
	if _, err := io.WriteString(w, content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return s.c.pool.Client.UploadToContainer(s.host(), dc.UploadToContainerOptions{
		Context: ctx, InputStream: &archive, Path: "/cluster",
	})
}

// readFile returns a file from the offset on; a file that is not there is empty.
func (s *Server) readFile(ctx context.Context, name string, offset int64) ([]byte, error) {
	if s.State() == Running {
		if b, err := s.exec(ctx, "tail", "-c", "+"+strconv.FormatInt(offset+1, 10), name); err == nil {
			return b, nil
		}
	}
	var archive bytes.Buffer
	err := s.c.pool.Client.DownloadFromContainer(s.host(), dc.DownloadFromContainerOptions{
		Context: ctx, OutputStream: &archive, Path: name,
	})
	var status *dc.Error
	if errors.As(err, &status) && status.Status == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cluster: %s of %s: %w", path.Base(name), s.Name, err)
	}
	r := tar.NewReader(&archive)
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b[min(offset, int64(len(b))):], err
}

// exec runs a command in the server's container and returns what it printed.
func (s *Server) exec(ctx context.Context, command ...string) ([]byte, error) {
	client := s.c.pool.Client
	e, err := client.CreateExec(dc.CreateExecOptions{
		Context: ctx, Container: s.host(), Cmd: command, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	if err := client.StartExec(e.ID, dc.StartExecOptions{Context: ctx, OutputStream: &out, ErrorStream: &errs}); err != nil {
		return nil, err
	}
	if info, err := client.InspectExec(e.ID); err != nil {
		return nil, err
	} else if info.ExitCode != 0 {
		return nil, fmt.Errorf("cluster: %s in %s: exit %d: %s", command[0], s.Name, info.ExitCode, errs.String())
	}
	return out.Bytes(), nil
}
