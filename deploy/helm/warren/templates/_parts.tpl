{{- /* Labels by which things are selected: of the release, and a part of it. */}}
{{- define "warren.selector" -}}
app.kubernetes.io/name: warren
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "warren.labels" -}}
{{ include "warren.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "warren.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* By exec, since /admin and health listen on the loopback address alone. After a crash the store puts itself right first. */}}
{{- define "warren.probes" -}}
startupProbe:
  exec:
    command: [node, /opt/warren/probe.mjs, healthz]
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  exec:
    command: [node, /opt/warren/probe.mjs, healthz]
  periodSeconds: 30
  timeoutSeconds: 5
  failureThreshold: 4
readinessProbe:
  exec:
    command: [node, /opt/warren/probe.mjs]
  periodSeconds: 15
  timeoutSeconds: 5
{{- end }}

{{- /* In brackets, since it may be of either family. */}}
{{- define "warren.metricsEnv" -}}
- name: POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: WARREN_ADMIN_METRICS
  value: "[$(POD_IP)]:7474"
{{- end }}

{{- define "warren.ipv6Env" -}}
- name: WARREN_MESH_LISTEN
  value: "[::]:7471"
- name: WARREN_MESH_BLOBS
  value: "[::]:7472"
{{- end }}

{{- define "warren.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* For init containers that write into what belongs to root. */}}
{{- define "warren.asRoot" -}}
runAsNonRoot: false
runAsUser: 0
{{ include "warren.confined" . }}
{{- end }}

{{- define "warren.little" -}}
requests: { cpu: 10m, memory: 32Mi }
limits: { memory: 64Mi }
{{- end }}

{{- define "warren.mounts" -}}
- name: data
  mountPath: /var/lib/warren
- name: config
  mountPath: /etc/warren
  readOnly: true
- name: ticket
  mountPath: /run/secrets/warren
  readOnly: true
{{- end }}

{{- define "warren.volumes" -}}
- name: config
  configMap:
    name: {{ .root.Release.Name }}-config
- name: ticket
  secret:
    secretName: {{ .ticketSecret }}
    # 0440: for the group of the node.
    defaultMode: 288
{{- end }}
