{{/* An address to listen on: dict "root" $ "port" 6181 */}}
{{- define "sidestep.bind" -}}
{{- $host := .root.Values.bindHost -}}
{{- printf "%s:%v" (ternary (printf "[%s]" $host) $host (contains ":" $host)) .port -}}
{{- end -}}

{{/* The ConfigMap that sidecars and the gateway read; empty if they go by their keys. */}}
{{- define "sidestep.configMap" -}}
{{- .Values.configMap.name | default (ternary "sidestep" "" (not (empty .Values.config))) -}}
{{- end -}}

{{/* What would only show itself later, in a pod that does not start, is refused here. */}}
{{- define "sidestep.refusals" -}}
{{- if not .Values.keys.secretName -}}
{{- fail (printf "\n\nkeys.secretName is not set: it names the Secret with the providers' keys. Make one in each namespace with applications,\n  kubectl -n NAMESPACE create secret generic llm-keys --from-literal=ANTHROPIC_API_KEY=... --from-literal=OPENAI_API_KEY=...\nand say --set keys.secretName=llm-keys (or --set keys.secretName=- if no provider needs a key).\n") -}}
{{- end -}}
{{- if and (eq .Values.keys.secretName "-") (not (include "sidestep.configMap" .)) -}}
{{- fail "\n\nkeys.secretName=- says that no provider needs a key: then `config` has to say which providers there are, or configMap.name where that is written.\n" -}}
{{- end -}}
{{- if and .Values.namespaces (not .Values.config) -}}
{{- fail "\n\nnamespaces lists where the ConfigMap with `config` goes, and `config` is empty. Without one, sidecars need only the keys' Secret: take namespaces out.\n" -}}
{{- end -}}
{{- with .Values.config -}}
{{- if .listen -}}
{{- fail "\n\nconfig.listen belongs to the chart: sidecars listen on 127.0.0.1:6180, where the injected base URLs point, and the gateway on 0.0.0.0:6180. Take it out.\n" -}}
{{- end -}}
{{- if (default dict .admin).listen -}}
{{- fail "\n\nconfig.admin.listen belongs to the chart: 0.0.0.0:6181, where probes and Prometheus ask. Take it out.\n" -}}
{{- end -}}
{{- if .state -}}
{{- fail "\n\nconfig.state names a folder, and containers have a read-only file system: switches are kept while a container runs. Take it out.\n" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.injector.enabled (eq .Values.injector.mode "policy") (not (semverCompare ">=1.36.0-0" .Capabilities.KubeVersion.Version)) -}}
{{- fail (printf "\n\ninjector.mode=policy needs MutatingAdmissionPolicy, which is there from Kubernetes 1.36 on; this is %s. Use injector.mode=webhook.\n" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and .Values.injector.enabled (eq .Values.injector.mode "policy") (ne (include "sidestep.native" .) "true") -}}
{{- fail "\n\nsidecar.native=false is for clusters before 1.29, and injector.mode=policy, for 1.36 and later, makes native sidecars only. Leave one out.\n" -}}
{{- end -}}
{{- if and .Values.guard.enabled (not (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version)) -}}
{{- fail (printf "\n\nguard.enabled needs ValidatingAdmissionPolicy, which is there from Kubernetes 1.30 on; this is %s.\n" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and (eq .Values.webhook.certificate.mode "secret") (not .Values.webhook.certificate.secretName) -}}
{{- fail "\n\nwebhook.certificate.mode=secret needs webhook.certificate.secretName: the Secret with tls.crt, tls.key and ca.crt in the release's namespace.\n" -}}
{{- end -}}
{{- if eq (int .Values.gateway.service.port) 6181 -}}
{{- fail "\n\ngateway.service.port is 6181, where the gateway's own health and metrics are. Choose another.\n" -}}
{{- end -}}
{{- if not (or .Values.injector.enabled .Values.gateway.enabled) -}}
{{- fail "\n\nNothing is left: injector.enabled and gateway.enabled are both false.\n" -}}
{{- end -}}
{{- end -}}

{{- define "sidestep.native" -}}
{{- if eq (toString .Values.sidecar.native) "auto" -}}
{{- semverCompare ">=1.29.0-0" .Capabilities.KubeVersion.Version -}}
{{- else -}}
{{- .Values.sidecar.native -}}
{{- end -}}
{{- end -}}
