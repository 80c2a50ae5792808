# What the bench-* scripts share; they source it in the project's root.

export MORTON_GPU=required
unset LP_NATIVE_VECTOR_WIDTH MORTON_SUBGROUP

# cache WIDTH sets where Mesa keeps the kernels of a subgroup width: it would take one width's for another's.
cache() { export MESA_SHADER_CACHE_DIR=$PWD/.cache/mesa/$1; }
cache default

# figure PACKAGE BENCHMARK UNIT prints "name value" for each sub-benchmark that reports the unit.
figure() {
	go test -run '^$' -bench "$2" -benchtime "${BENCHTIME:-2s}" -timeout 60m "$1" |
		awk -v unit="$3" '/^Benchmark/ { for (i = 3; i < NF; i++) if ($(i + 1) == unit) { sub(/-[0-9]+$/, "", $1); sub(/^Benchmark/, "", $1); print $1, $i } }'
}

# machine says what a table was measured on.
machine() {
	echo "Machine: $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg) at the start;" \
		"Mesa $(dpkg-query -Wf '${Version}' mesa-vulkan-drivers 2>/dev/null || echo unknown), $(go env GOVERSION)." \
		"Date: $(date +%F). Made by \`scripts/${0##*/}\`."
}

# openblas_kernel has OpenBLAS use the kernel of the processor's widest vectors: it takes its slowest on processors newer than itself.
openblas_kernel() {
	unset OPENBLAS_L2_SIZE
	case $(grep -owm1 -e avx512f /proc/cpuinfo || grep -owm1 -e avx2 /proc/cpuinfo) in
	avx512f) export OPENBLAS_CORETYPE=SkylakeX ;;
	avx2) export OPENBLAS_CORETYPE=Haswell ;;
	*) unset OPENBLAS_CORETYPE ;;
	esac
}
