import { isLoopback } from '../../../../node/tcp-address.ts'

/** A mirror for Gradle. */
export interface GradleMirror {
  readonly url: string
  /** Whether it stands for `mavenCentral()`. */
  readonly isCentral: boolean
  /** Base URLs of repositories that it stands for, wherever a build names them. */
  readonly upstreams: readonly string[]
}

/**
 * A script for Gradle's `init.d`, which runs before each build: repositories of builds, of plug-ins and of scripts that the mirrors
 * stand for become those. All others stay as the build has them.
 */
export function gradleScript(mirrors: readonly GradleMirror[]): string {
  const [central] = mirrors.filter(({ isCentral }) => isCentral)
  const pairs = mirrors.flatMap(({ url, upstreams }) => upstreams.map((upstream) => [slashed(upstream), url]))
  const map =
    pairs.length === 0 ? '[:]' : `[${pairs.map(([from = '', to = '']) => `\n  ${quoted(from)}: ${quoted(to)},`).join('')}\n]`
  const urls = mirrors.map(({ url }) => new URL(url))
  // Gradle takes plain HTTP from literal addresses of loopback only.
  const open = urls.some(
    ({ protocol, hostname }) => protocol === 'http:' && (hostname === 'localhost' || !isLoopback({ host: hostname })),
  )
  const opened = open ? "\n      if (since('6.0')) r.allowInsecureProtocol = true" : ''
  return `// Written by «warren setup gradle»; «warren setup gradle --undo» removes it.
import org.gradle.util.GradleVersion

def mirrors = ${map}
def since = { GradleVersion.current() >= GradleVersion.version(it) }
def swap = { repositories ->
  repositories.withType(MavenArtifactRepository).all { r ->
    def from = String.valueOf(r.url)
    def to = ${central ? `r.name == 'MavenRepo' ? ${quoted(central.url)} : ` : ''}mirrors[from.endsWith('/') ? from : from + '/']
    if (to != null) {
      r.url = uri(to)${opened}
    }
  }
}
def swapAll = { s ->
  swap(s.buildscript.repositories)
  swap(s.pluginManagement.repositories)
  if (since('6.8')) swap(s.dependencyResolutionManagement.repositories)
}
if (since('6.0')) beforeSettings(swapAll)
else settingsEvaluated(swapAll)
allprojects {
  swap(buildscript.repositories)
  swap(repositories)
}
`
}

function slashed(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

/** A string of Groovy in which nothing is filled in. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
