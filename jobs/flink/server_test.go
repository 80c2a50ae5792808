//go:build flink

package flink

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Ports in the rig's own network namespace.
const (
	embeddedPort = 8099 // the job server with a Flink inside
	sessionPort  = 8098 // the one of the cluster
	restPort     = 8081 // Flink's own
)

// opens are what Flink needs of Java 17.
var opens = func() (flags []string) {
	for _, p := range strings.Fields("lang util nio lang.invoke net io time") {
		flags = append(flags, "--add-opens=java.base/java."+p+"=ALL-UNNAMED")
	}
	return append(flags, "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED")
}()

// java returns the command line of a Java program. Its own temporary files are apart.
func (r *rig) java(class string, options, args []string, jars ...string) []string {
	words := append([]string{"java", "-Dlog4j.configurationFile=" + r.dir + "/log4j.properties", "-Djava.io.tmpdir=" + r.dir + "/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}, opens...)
	words = append(append(words, options...), "-cp", strings.Join(jars, ":"), class)
	return append(words, args...)
}

// config writes a folder with Flink's configuration.
func (r *rig) config(t *testing.T, name string, lines ...string) string {
	t.Helper()
	dir := filepath.Join(r.dir, name)
	log := "rootLogger.level = INFO\nrootLogger.appenderRef.c.ref = C\nappender.c.name = C\nappender.c.type = CONSOLE\n" +
		"appender.c.layout.type = PatternLayout\nappender.c.layout.pattern = %d{HH:mm:ss} %-5p %c{1} %m%n\n"
	if err := os.WriteFile(filepath.Join(r.dir, "log4j.properties"), []byte(log), 0o644); err != nil {
		t.Fatal(err)
	}
	lines = append(lines, "io.tmp.dirs: "+r.dir+"/java")
	for _, host := range []string{"rest.address", "rest.bind-address", "jobmanager.rpc.address", "jobmanager.bind-host", "taskmanager.host", "taskmanager.bind-host"} {
		lines = append(lines, host+": localhost")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// jobServer starts a job server of Beam's. Master is a cluster, or [local] for a Flink
// of its own.
func (r *rig) jobServer(t *testing.T, master, config string, port int) *process {
	t.Helper()
	args := []string{
		"--flink-master", master, "--flink-conf-dir", config, "--job-host", "localhost", "--job-port", fmt.Sprint(port),
		"--artifact-port", "0", "--expansion-port", "0", "--artifacts-dir", filepath.Join(r.dir, fmt.Sprint("artifacts-", port)),
	}
	options := []string{"-Xmx1500m", "-Dslf4j.provider=org.slf4j.simple.SimpleServiceProvider"}
	p := r.begin(t, "job-server", r.java("org.apache.beam.runners.flink.FlinkJobServerDriver", options, args, r.jars+"/job-server/*")...)
	p.listening(t, port)
	return p
}

// cluster is a session cluster of Flink's.
type cluster struct {
	config   string
	manager  *process
	workers  []*process
	options  []string // of a task manager's Java
	settings []string
	started  int
}

// startCluster starts a job manager and two task managers of two slots each.
func (r *rig) startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{config: r.config(t, "conf-session", "jobmanager.memory.process.size: 1200m", "taskmanager.memory.process.size: 1728m",
		"taskmanager.memory.task.off-heap.size: 256m", "taskmanager.numberOfTaskSlots: 2", fmt.Sprint("rest.port: ", restPort),
		"heartbeat.timeout: 15000", "restart-strategy.type: fixed-delay", "restart-strategy.fixed-delay.attempts: 20", "restart-strategy.fixed-delay.delay: 2 s")}
	flink := r.jars + "/flink/lib/*"
	c.manager = r.begin(t, "job-manager", r.java("org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", []string{"-Xmx700m"},
		[]string{"--configDir", c.config}, flink)...)
	c.manager.listening(t, restPort)
	// What Flink's scripts ask for, too: how its memory is shared out.
	words := r.java("org.apache.flink.runtime.util.bash.BashJavaUtils", nil, []string{"GET_TM_RESOURCE_PARAMS", "--configDir", c.config}, flink, r.jars+"/flink/bin/bash-java-utils.jar")
	out, err := exec.Command(words[0], words[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, line := range strings.Split(string(out), "\n") {
		if rest, ok := strings.CutPrefix(line, "BASH_JAVA_UTILS_EXEC_RESULT:"); ok {
			found = append(found, rest)
		}
	}
	if len(found) != 2 {
		t.Fatalf("%d lines of options:\n%s", len(found), out)
	}
	c.options, c.settings = strings.Fields(found[0]), strings.Fields(found[1])
	for range 2 {
		r.startTaskManager(t, c)
	}
	return c
}

// startTaskManager starts one more. Two of the same name end the job manager.
func (r *rig) startTaskManager(t *testing.T, c *cluster) {
	t.Helper()
	c.started++
	args := append(append([]string{"--configDir", c.config}, c.settings...), fmt.Sprint("-Dtaskmanager.resource-id=tm", c.started))
	p := r.begin(t, fmt.Sprint("task-manager-", c.started), r.java("org.apache.flink.runtime.taskexecutor.TaskManagerRunner", c.options, args, r.jars+"/flink/lib/*")...)
	c.workers = append(c.workers, p)
	until(t, p.name+" registers", func() bool { return strings.Contains(p.text(), "Successful registration at resource manager") })
}
